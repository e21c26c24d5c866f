// A peer: better-auth's api-key plugin on its memory adapter, asked in the same process, behind node:http.
// The bench copies this file to where the packages are; the project does not depend on them, so nothing here
// is typed by them. Its limit of ten uses a day is off, as Fleetkey's key has none.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

const { BENCH_API_KEY = "" } = process.env;
const load = (name: string) => import(name);
const { betterAuth } = await load("better-auth");
const { memoryAdapter } = await load("better-auth/adapters/memory");
const { apiKey } = await load("@better-auth/api-key");

const auth = betterAuth({
  database: memoryAdapter({ user: [], session: [], account: [], verification: [], apikey: [] }),
  secret: "of no use here".repeat(4),
  baseURL: "http://127.0.0.1",
  telemetry: { enabled: false },
  logger: { disabled: true },
  plugins: [
    apiKey({
      rateLimit: { enabled: false },
      customKeyGenerator: () => BENCH_API_KEY,
      defaultKeyLength: BENCH_API_KEY.length,
    }),
  ],
});
const { internalAdapter } = await auth.$context;
const { id: userId } = await internalAdapter.createUser({ email: "user@example.com", name: "user" });
await auth.api.createApiKey({ body: { userId, name: "bench key" } });

const server = createServer(async (request, response) => {
  const { apiKey: key } = (await json(request)) as { readonly apiKey: string };
  const verdict = await auth.api.verifyApiKey({ body: { key } });
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(verdict));
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
