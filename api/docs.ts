/** The API's documentation as pages: Swagger UI from local files, so that it works without any network. */
import path from 'node:path';
import express, { type Router } from 'express';
import { getAbsoluteFSPath } from 'swagger-ui-dist';

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Quayside API</title>
<link rel="icon" type="image/png" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
<body>
<div id="docs"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</body>
</html>
`;

/** A file of its own: the content security policy allows no script inside the page. */
const START = `SwaggerUIBundle({ url: '../openapi.json', dom_id: '#docs', deepLinking: true, docExpansion: 'list' });
`;

const FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];

export function docsRouter(): Router {
  const router = express.Router({ strict: true });
  const folder = getAbsoluteFSPath();
  router.get('/', (request, response) => {
    // Without the slash the page's relative links would point beside it.
    if (!request.originalUrl.split('?')[0]?.endsWith('/')) response.redirect(302, '/docs/');
    else response.type('html').send(PAGE);
  });
  router.get('/start.js', (_request, response) => response.type('text/javascript').send(START));
  for (const file of FILES) {
    router.get(`/${file}`, (_request, response) => response.sendFile(path.join(folder, file)));
  }
  return router;
}
