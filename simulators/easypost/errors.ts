/** EasyPost's errors: a status and `{ error: { code, message, errors } }`. */
import type { Response } from 'express';

export interface FieldError {
  readonly code?: string;
  readonly field: string;
  readonly message: string;
  readonly suggestion?: null;
}

export function refuse(
  res: Response,
  status: number,
  code: string,
  message: string,
  errors: readonly FieldError[] = [],
): void {
  res.status(status).json({ error: { code, message, errors } });
}

export function notFound(res: Response): void {
  refuse(res, 404, 'NOT_FOUND', 'The requested resource could not be found.');
}

export function missing(res: Response, field: string): void {
  refuse(res, 422, 'PARAMETER.REQUIRED', 'Missing required parameter.', [
    { field, message: 'cannot be blank' },
  ]);
}
