# The server (`docker build .`) and, as a target of its own, a Git server with the example policies for docker-compose.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY extensions extensions
COPY src src
COPY sync sync
COPY web web
COPY scripts/console.mjs scripts/
RUN npm run build && node scripts/console.mjs && npm prune --omit=dev

FROM openpolicyagent/opa:1.22.2-static AS opa

FROM node:22-bookworm-slim AS base
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates git openssh-client \
  && rm -rf /var/lib/apt/lists/*

# A demonstration: whoever reaches it may read and push. Never publish it.
FROM base AS git-server
COPY policies-example /tmp/policies
RUN cd /tmp/policies \
  && git init --quiet --initial-branch=main \
  && git add --all \
  && git -c user.name=Edict -c user.email=edict@example.org commit --quiet --message "Example policies" \
  && git clone --quiet --bare /tmp/policies /srv/git/policies.git \
  && git --git-dir=/srv/git/policies.git config http.receivepack true \
  && chown -R node:node /srv/git \
  && rm -rf /tmp/policies
COPY docker/git-server.mjs /app/git-server.mjs
USER node
VOLUME /srv/git
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/policies.git/info/refs?service=git-upload-pack').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/git-server.mjs"]

# The last stage is what `docker build .` makes. Everything that it writes lies in /data and /tmp.
FROM base AS server
COPY --from=opa /opa /usr/local/bin/opa
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN mkdir /data && chown node:node /data
USER node
ENV NODE_ENV=production OPA_PATH=/usr/local/bin/opa EDICT_DATA=/data EDICT_HOST=0.0.0.0 PORT=8081
VOLUME /data
EXPOSE 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/readiness`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/src/cli.js"]
CMD ["serve"]
