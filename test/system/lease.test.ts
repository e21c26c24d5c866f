// What a node remembers it uses no longer than the lease: whether its store is cut off, hangs or is slow, or
// the process itself stands still. What another node revoked meanwhile is never valid again.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { describeMongo } from "../mongo-server.ts";
import { Asking, answersFrom, ask, refusalWithin } from "./bound.ts";
import { type Client, clientOf, createUserKey, verdictOn } from "./client.ts";
import { IS_LONG } from "./long-run.ts";
import { type ServiceRun, useProcesses } from "./process.ts";
import { describeOnStores, useMongo } from "./stores.ts";
import { type TcpProxy, useTcpProxy } from "./tcp-proxy.ts";

const LEASE_MS = 600;
const POLL_MS = 100;
const SHORT_LEASE = { FLEETKEY_LEASE: `${LEASE_MS}ms`, FLEETKEY_POLL_INTERVAL: `${POLL_MS}ms` };
const ROUNDS = IS_LONG ? 20 : 1;
const WAIT = { timeout: 20_000, interval: 20 };
const TEST_TIMEOUT_MS = IS_LONG ? 600_000 : 60_000;

const UNAVAILABLE = "STORE_UNAVAILABLE";

const revoke = (client: Client, apiKey: string) =>
  client.keys.revoke({ target: { case: "apiKey", value: apiKey } });

/** Two keys that the node remembers: one that stays, one that is to be revoked. */
async function twoHeld(node: Client) {
  const [kept, revoked] = [await createUserKey(node, "user-1"), await createUserKey(node, "user-2")];
  // The events of their creation make them forgotten once.
  await passed(3 * POLL_MS);
  for (const { apiKey } of [kept, revoked]) expect(await verdictOn(node, apiKey)).toBe("VALID");
  return { kept: kept.apiKey, revoked: revoked.apiKey };
}

const passed = (ms: number) => {
  const since = performance.now();
  return vi.waitFor(() => expect(performance.now() - since).toBeGreaterThan(ms), WAIT);
};

describeMongo("a node whose connection to the store", () => {
  const fresh = useMongo();
  const processes = useProcesses();
  const throughProxy = useTcpProxy();
  let proxy: TcpProxy;
  /** Behind the proxy. */
  let node: Client;
  /** Beside it, on the same store. */
  let other: Client;

  beforeEach(async () => {
    const { settings, database } = fresh();
    const through = await throughProxy(database.uri);
    proxy = through.proxy;
    const beside = await processes.start({ ...settings, ...SHORT_LEASE });
    const behind = await processes.start({ ...settings, ...SHORT_LEASE, FLEETKEY_STORE: through.uri });
    [node, other] = [clientOf(behind.url), clientOf(beside.url)];
  });

  it(
    "is cut says `unavailable` once the lease has ended; healed, it knows what was revoked",
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { kept, revoked } = await twoHeld(node);
        const asking = [new Asking(node, kept), new Asking(node, revoked)] as const;
        proxy.cut();
        const cutAt = performance.now();
        await revoke(other, revoked);
        const late = ({ asked }: Asking) => answersFrom(asked, cutAt + LEASE_MS);
        const isRefused = (each: Asking) => expect(late(each)).toContain(UNAVAILABLE);
        await vi.waitFor(() => asking.forEach(isRefused), WAIT);
        for (const each of asking) expect(late(each)).toEqual(new Set([UNAVAILABLE]));
        proxy.heal();
        await vi.waitFor(() => expect(late(asking[0])).toContain("VALID"), WAIT);
        await vi.waitFor(() => expect(late(asking[1])).toContain("REVOKED"), WAIT);
        await Promise.all(asking.map((each) => each.stop()));
        expect(late(asking[1])).toEqual(new Set([UNAVAILABLE, "REVOKED"]));
      }
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "hangs says nothing once the lease has ended; healed, it knows what was revoked",
    async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { revoked } = await twoHeld(node);
        const asking = new Asking(node, revoked);
        proxy.stall();
        const stalledAt = performance.now();
        await revoke(other, revoked);
        // A question stays open once the lease has ended.
        const isOpen = () => expect(performance.now() - asking.pendingSince).toBeGreaterThan(LEASE_MS);
        await vi.waitFor(isOpen, WAIT);
        proxy.heal();
        await vi.waitFor(() => expect(asking.asked.at(-1)?.answer).toBe("REVOKED"), WAIT);
        const answers = answersFrom(await asking.stop(), stalledAt + LEASE_MS);
        expect([...answers].filter((answer) => answer !== UNAVAILABLE)).toEqual(["REVOKED"]);
      }
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "is slow goes on answering, changing and refusing within the bound",
    async () => {
      const { kept, revoked } = await twoHeld(node);
      proxy.slow(300);
      const asking = new Asking(node, kept);
      for (let round = 0; round < ROUNDS; round++) {
        const own = await createUserKey(node, "user-3");
        expect(await verdictOn(node, own.apiKey)).toBe("VALID");
        await revoke(node, own.apiKey);
        expect(await verdictOn(node, own.apiKey)).toBe("REVOKED");
      }
      await revoke(other, revoked);
      expect(await refusalWithin(LEASE_MS, node, revoked)).toBe("REVOKED");
      expect(answersFrom(await asking.stop(), 0)).toEqual(new Set(["VALID"]));
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "breaks again and again never calls valid what was revoked longer than the lease ago",
    async () => {
      const { kept } = await twoHeld(node);
      for (let round = 0; round < 4 * ROUNDS; round++) {
        const { apiKey } = await createUserKey(other, "user-4");
        await vi.waitFor(async () => expect(await verdictOn(node, apiKey)).toBe("VALID"), WAIT);
        const asking = new Asking(node, apiKey);
        if (round % 2 === 0) proxy.cut();
        else proxy.stall();
        await revoke(other, apiKey);
        const revokedAt = performance.now();
        if (round % 4 < 2) await passed(LEASE_MS);
        proxy.heal();
        await vi.waitFor(() => expect(asking.asked.at(-1)?.answer).toBe("REVOKED"), WAIT);
        expect(answersFrom(await asking.stop(), revokedAt + LEASE_MS)).not.toContain("VALID");
      }
      await vi.waitFor(async () => expect(await verdictOn(node, kept)).toBe("VALID"), WAIT);
    },
    TEST_TIMEOUT_MS,
  );
});

describeOnStores("two nodes with a short lease", (fresh) => {
  const processes = useProcesses();
  let stopped: ServiceRun | undefined;
  let node: Client;
  let other: Client;

  beforeEach(async () => {
    const settings = { ...fresh().settings, ...SHORT_LEASE };
    const [first, second] = [await processes.start(settings), await processes.start(settings)];
    stopped = first;
    [node, other] = [clientOf(first.url), clientOf(second.url)];
  });
  // One that stands still could not end.
  afterEach(() => stopped?.run.kill("SIGCONT"));

  it(
    "refuse what one has revoked: that one at once, the other one within the lease",
    async () => {
      for (let round = 0; round < 3 * ROUNDS; round++) {
        const { revoked, kept } = await twoHeld(node);
        expect(await verdictOn(other, revoked)).toBe("VALID");
        await revoke(other, revoked);
        expect(await verdictOn(other, revoked)).toBe("REVOKED");
        expect(await refusalWithin(LEASE_MS, node, revoked)).toBe("REVOKED");
        expect(await verdictOn(node, kept)).toBe("VALID");
      }
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "of which one stands still for longer than the lease: its first answer after is not from its old memory",
    async () => {
      for (let round = 0; round < 2 * ROUNDS; round++) {
        const { kept, revoked } = await twoHeld(node);
        stopped?.run.kill("SIGSTOP");
        await revoke(other, revoked);
        // Asked while it stands still, so that the question is the first thing that it finds.
        const [ofRevoked, ofKept] = [ask(node, revoked), ask(node, kept)];
        await passed(LEASE_MS + 50);
        stopped?.run.kill("SIGCONT");
        expect((await ofRevoked).answer).toBe("REVOKED");
        expect((await ofKept).answer).toBe("VALID");
      }
    },
    TEST_TIMEOUT_MS,
  );
});
