# Fleetkey in a container: dependencies are installed in one stage, the other one holds only what runs.
FROM node:26-slim AS install
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The npm package `node` is for machines with another Node; this image has the right one.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:26-slim
ENV NODE_ENV=production \
    FLEETKEY_LISTEN=0.0.0.0:8080 \
    FLEETKEY_STORE=sqlite:/data/fleetkey.db
WORKDIR /app
COPY --from=install /app/node_modules ./node_modules
COPY package.json ./
COPY gen ./gen
COPY src ./src
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# In clear text. With TLS give another one: docker run --health-cmd, or the probe of the platform.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
