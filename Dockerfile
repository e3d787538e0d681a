# The host with the sample applications. Mount your own bundles over /portico/apps.
FROM node:22-slim AS build
WORKDIR /portico
COPY package.json package-lock.json tsconfig.json .npmrc ./
RUN npm ci
COPY host host
COPY test test
RUN npm run build && rm -rf dist/test && npm prune --omit=dev

FROM node:22-slim
ENV NODE_ENV=production
WORKDIR /portico
COPY --from=build /portico/package.json ./
COPY --from=build /portico/node_modules node_modules
COPY --from=build /portico/dist dist
COPY apps apps
COPY deploy deploy
RUN mkdir .portico && chown node:node .portico apps
USER node
EXPOSE 8080
# The admin connector stays on loopback inside the container: `docker exec … node dist/host/cli/main.js list`.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
CMD ["node", "dist/host/cli/main.js", "start", "--base", ".", "--config", "deploy/host.yaml"]
