// Watch through every client that carries it: changes come as they happen, to a caller that may see them, and
// a watch goes on where another one broke off.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventKind } from "../../../gen/fleetkey/v1/event_pb.js";
import { KeyType } from "../../../gen/fleetkey/v1/key_pb.js";
import { type RunningService, runService } from "../../running-service.ts";
import { allEvents, type Client, clientOf, createUserKey } from "../../system/client.ts";
import { endOf, eventsUntil, newsOf, nextOf, type StreamClient, WATCH_CLIENTS } from "./stream-clients.ts";

let service: RunningService;
let root: Client;
beforeAll(async () => {
  service = await runService({ FLEETKEY_POLL_INTERVAL: "20ms" });
  root = clientOf(service.url);
});
afterAll(() => service.stop());

const lastNumber = async () => Number((await allEvents(root)).at(-1)?.number ?? 0);

describe.each(WATCH_CLIENTS)("Watch through %s", (_, open) => {
  let client: StreamClient;
  beforeAll(() => {
    client = open(service.url);
  });
  afterAll(() => client.close());

  it("answers at once, and then tells of each change", async () => {
    const watch = client.watch();
    const first = await nextOf(watch);
    expect(first).toMatchObject({ events: [], reset: false });
    const { key } = await createUserKey(root, "watched");
    const created = (await eventsUntil(watch, ({ keyId }) => keyId === key?.keyId)).at(-1);
    expect(created).toMatchObject({ kind: EventKind.KEY_CREATED, userId: "watched", caller: "root" });
    await root.keys.revokeAllForUser({ userId: "watched", reason: "gone" });
    expect((await newsOf(watch)).events).toMatchObject([
      { kind: EventKind.PRINCIPAL_REVOKED, userId: "watched", reason: "gone" },
    ]);
    await watch.return?.();
  });

  it("goes on from a cursor without a gap or a repeat, whatever happened meanwhile", async () => {
    const before = await lastNumber();
    let cursor = `w1.${before}`;
    const told: number[] = [];
    for (let round = 0; round < 4; round++) {
      await createUserKey(root, "away");
      const watch = client.watch(cursor);
      await createUserKey(root, "there");
      while (told.length < 2 * (round + 1)) {
        const response = await newsOf(watch);
        expect(response.reset).toBe(false);
        told.push(...response.events.map(({ number }) => Number(number)));
        cursor = response.cursor;
      }
      await watch.return?.();
    }
    expect(told).toEqual(Array.from({ length: 8 }, (_value, index) => before + index + 1));
  });

  it("tells a caller with bounds of what lies inside them", async () => {
    const owner = { type: KeyType.ORGANIZATION, organizationId: "org-1" };
    const { apiKey } = await root.keys.create({ ...owner, scopes: ["fleetkey:read"] });
    const watch = client.watch("", { headers: { "x-api-key": apiKey } });
    await nextOf(watch);
    await createUserKey(root, "elsewhere");
    await root.keys.create({ ...owner, organizationId: "org-2" });
    const { key } = await root.keys.create({ type: KeyType.USER, userId: "u", organizationId: "org-1" });
    const events = await eventsUntil(watch, ({ keyId }) => keyId === key?.keyId);
    expect(new Set(events.map(({ organizationId }) => organizationId))).toEqual(new Set(["org-1"]));
    await watch.return?.();
  });

  it("ends at the time that its client gives it, which can be long", async () => {
    expect(await endOf(client.watch("", { timeoutMs: 300 }))).toBe("DeadlineExceeded");
    const watch = client.watch("", { timeoutMs: 86_400_000 });
    expect(await nextOf(watch)).toMatchObject({ events: [] });
    await watch.return?.();
  });

  it("is refused for a cursor that is none, or of what was never there", async () => {
    expect(await endOf(client.watch("yesterday"))).toBe("InvalidArgument");
    expect(await endOf(client.watch("w1.999999"))).toBe("FailedPrecondition");
  });

  it("is refused to who may not read", async () => {
    const ask = { type: KeyType.SERVICE, serviceAccountId: "gateway", scopes: ["fleetkey:verify"] };
    const { apiKey } = await root.keys.create(ask);
    expect(await endOf(client.watch("", { headers: { "x-api-key": apiKey } }))).toBe("PermissionDenied");
    expect(await endOf(client.watch("", { headers: {} }))).toBe("Unauthenticated");
  });
});

it("is logged as a read, once, with its end", async () => {
  const lines = service
    .logged()
    .split("\n")
    .filter((line) => line.includes("KeyService/Watch"));
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: 20, msg: "call" });
  expect(service.logged()).not.toContain('"msg":"bug"');
});
