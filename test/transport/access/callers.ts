// What each kind of caller shows: the headers, and the key that it is, made by the operator beforehand.
import { vi } from "vitest";
import { ROOT_KEY } from "../../running-service.ts";
import type { CallerKind } from "./matrix.ts";
import type { MatrixClient } from "./matrix-client.ts";
import { asRoot, ROOT, type Tenant, type World } from "./world.ts";

type Headers = Readonly<Record<string, string>>;
type Field = "userId" | "organizationId";

interface Kind {
  /** Whose the key outside is, to this caller. */
  readonly foreign: Tenant;
  /** The owner fields that bind it; none: it sees all keys. */
  readonly bounds?: readonly Field[];
  headers(client: MatrixClient, world: World): Promise<Headers>;
}

const SOMEBODY_ELSE: Tenant = { user: "b", org: "b" };
/** All that a program of one tenant could need. */
const WORKER = ["verify", "read", "update", "refresh", "revoke", "create", "import"].map(
  (name) => `fleetkey:${name}`,
);

const fixed = (headers: Headers): Kind => ({ foreign: SOMEBODY_ELSE, headers: async () => headers });

type Ending = (client: MatrixClient, keyId: string) => Promise<unknown>;

/** A key of the operator's own programs. */
function unbound(scopes: readonly string[], end: Ending = async () => {}): Kind {
  return {
    foreign: SOMEBODY_ELSE,
    async headers(client, { own }) {
      const serviceAccountId = `caller-${own.keyId}`;
      const ask = { type: "KEY_TYPE_SERVICE", serviceAccountId, scopes: [...scopes] };
      const { apiKey, key } = await asRoot(client, "Create", ask);
      await end(client, key.keyId);
      return { authorization: `Bearer ${apiKey}` };
    },
  };
}

/** A key that carries these of the first tenant's fields. */
function bound(bounds: readonly Field[], foreign: Tenant, scopes: readonly string[]): Kind {
  return {
    foreign,
    bounds,
    async headers(client, { ownerOf }) {
      const owner = ownerOf({ user: "a", org: "a" });
      const carried = Object.fromEntries(bounds.map((field) => [field, owner[field]]));
      const type = bounds.includes("userId") ? "KEY_TYPE_USER" : "KEY_TYPE_ORGANIZATION";
      const { apiKey } = await asRoot(client, "Create", { type, ...carried, scopes: [...scopes] });
      return { "x-api-key": apiKey };
    },
  };
}

const withScope = (name: string) => unbound([`fleetkey:${name}`]);
const disable: Ending = (client, keyId) =>
  asRoot(client, "Update", { key: { keyId, disabled: true }, updateMask: "disabled" });

export const KINDS: Readonly<Record<CallerKind, Kind>> = {
  root: fixed(ROOT),
  "root in X-API-Key": fixed({ "x-api-key": ROOT_KEY }),
  admin: withScope("admin"),
  nobody: fixed({}),
  "a wrong credential": fixed({ authorization: `Bearer ${"wrong-".padEnd(40, "y")}` }),
  "a publishable key": {
    foreign: SOMEBODY_ELSE,
    async headers(client) {
      const { apiKey } = await asRoot(client, "Create", {
        type: "KEY_TYPE_PUBLISHABLE",
        scopes: ["fleetkey:admin"],
      });
      return { authorization: `Bearer ${apiKey}` };
    },
  },
  "a revoked admin": unbound(["fleetkey:admin"], (client, keyId) => asRoot(client, "Revoke", { keyId })),
  "an expired admin": {
    foreign: SOMEBODY_ELSE,
    async headers(client, { own }) {
      // The service runs in this process: its clock is this one, and the key is made a day ago.
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 86_400_000 });
      try {
        const ask = { type: "KEY_TYPE_SERVICE", serviceAccountId: `caller-${own.keyId}`, ttl: "60s" };
        const { apiKey } = await asRoot(client, "Create", { ...ask, scopes: ["fleetkey:admin"] });
        return { authorization: `Bearer ${apiKey}` };
      } finally {
        vi.useRealTimers();
      }
    },
  },
  "a disabled admin": unbound(["fleetkey:admin"], disable),
  "no fleetkey: scope": unbound(["orders:*"]),
  "the scope *": unbound(["*"]),
  verify: withScope("verify"),
  read: withScope("read"),
  create: withScope("create"),
  update: withScope("update"),
  refresh: withScope("refresh"),
  revoke: withScope("revoke"),
  import: withScope("import"),
  "admin of an org": bound(["organizationId"], { user: "a", org: "b" }, ["fleetkey:admin"]),
  "of a user": bound(["userId"], { user: "b", org: "a" }, WORKER),
  "both, other user": bound(["userId", "organizationId"], { user: "b", org: "a" }, WORKER),
  "both, other org": bound(["userId", "organizationId"], { user: "a", org: "b" }, WORKER),
};
