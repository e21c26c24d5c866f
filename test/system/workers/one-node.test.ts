// A node of two workers is one node: whatever connection a call comes over, what any of them has answered
// holds, and what is counted is counted once.
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { KeyType, QuotaPeriod } from "../../../gen/fleetkey/v1/key_pb.js";
import { createUserKey, verdictOn } from "../client.ts";
import { IS_LONG } from "../long-run.ts";
import { useProcesses } from "../process.ts";
import { describeOnStores } from "../stores.ts";
import { type Connection, type NodeOfWorkers, startWorkers } from "./node-of-workers.ts";

const CONNECTIONS = 8;
const ROUNDS = IS_LONG ? 200 : 10;
const WAITED_MS = { timeout: 10_000 };
const RATE = 10;
/** A token comes back every six minutes, and so during no test. */
const WINDOW = { seconds: 3_600n, nanos: 0 };

describeOnStores(
  "a node of two workers",
  (fresh) => {
    const processes = useProcesses(afterAll);
    let node: NodeOfWorkers;
    let connections: readonly Connection[];
    const at = (index: number) => {
      const connection = connections[index % CONNECTIONS];
      if (connection === undefined) throw new Error("there are connections");
      return connection.client;
    };
    const verdicts = (apiKey: string) =>
      Promise.all(connections.map(({ client }) => verdictOn(client, apiKey)));
    const all = (verdict: string) => Array(CONNECTIONS).fill(verdict);

    beforeAll(async () => {
      // A lease that ends during no test: what is refused at once is not refused since a lease has ended, and
      // the tail is too slow to have told it.
      const slow = { FLEETKEY_LEASE: "5m", FLEETKEY_POLL_INTERVAL: "1m" };
      node = await startWorkers(processes, { ...fresh().settings, ...slow });
      connections = await node.connect(CONNECTIONS);
    });

    it("refuses on all connections at once what one of them has revoked", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { apiKey } = await createUserKey(at(round), "user-1");
        // Twice: read first, and then remembered.
        for (let time = 0; time < 2; time++) expect(await verdicts(apiKey)).toEqual(all("VALID"));
        await at(round + 1).keys.revoke({ target: { case: "apiKey", value: apiKey } });
        expect(await verdicts(apiKey)).toEqual(all("REVOKED"));
      }
    });

    it("refuses on all connections at once the keys of a user that one of them has revoked", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const userId = `revoked-${round}`;
        const { apiKey } = await createUserKey(at(round), userId);
        for (let time = 0; time < 2; time++) expect(await verdicts(apiKey)).toEqual(all("VALID"));
        expect(await at(round + 1).keys.revokeAllForUser({ userId })).toMatchObject({ revokedCount: 1 });
        expect(await verdicts(apiKey)).toEqual(all("REVOKED"));
      }
    });

    it("knows on all connections at once what a Refresh and an Update have changed", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { apiKey, key } = await createUserKey(at(round), "user-1");
        expect(await verdicts(apiKey)).toEqual(all("VALID"));
        const target = { case: "keyId", value: key?.keyId ?? "" } as const;
        const refreshed = await at(round + 1).keys.refresh({ target });
        expect(await verdicts(apiKey)).toEqual(all("UNKNOWN"));
        expect(await verdicts(refreshed.apiKey)).toEqual(all("VALID"));
        const disabled = { keyId: target.value, disabled: true };
        await at(round + 2).keys.update({ key: disabled, updateMask: { paths: ["disabled"] } });
        expect(await verdicts(refreshed.apiKey)).toEqual(all("DISABLED"));
      }
    });

    it("admits exactly as many uses as a rate limit has, over many connections at once", async () => {
      const { apiKey } = await at(0).keys.create({
        type: KeyType.USER,
        userId: "user-1",
        rateLimit: { limit: RATE, window: WINDOW },
      });
      const rounds = Array.from({ length: 40 / CONNECTIONS }, () => verdicts(apiKey));
      const counts = Map.groupBy((await Promise.all(rounds)).flat(), (verdict) => verdict);
      const numbers = [...counts].map(([verdict, those]) => [verdict, those.length]);
      expect(Object.fromEntries(numbers)).toEqual({ VALID: RATE, RATE_LIMITED: 40 - RATE });
    });

    it("admits exactly as many uses as a quota has, over many connections at once", async () => {
      const { apiKey } = await at(0).keys.create({
        type: KeyType.USER,
        userId: "user-1",
        quota: { limit: 10, period: QuotaPeriod.MONTH },
      });
      const rounds = Array.from({ length: 40 / CONNECTIONS }, () => verdicts(apiKey));
      const valid = (await Promise.all(rounds)).flat().filter((verdict) => verdict === "VALID");
      expect(valid).toHaveLength(10);
    });

    // The last one: it ends a worker.
    it("has both workers answer: of the connections some end with one of them, and some stay", async () => {
      const before = connections.map(({ port }) => port);
      expect(new Set(before).size).toBe(CONNECTIONS);
      const [killed = 0] = node.pids;
      process.kill(killed, "SIGKILL");
      await node.run.printed(/a worker has ended/);
      const { apiKey } = await vi.waitFor(() => createUserKey(at(0), "user-1"), WAITED_MS);
      await vi.waitFor(async () => expect(await verdicts(apiKey)).toEqual(all("VALID")), WAITED_MS);
      const stayed = connections.filter(({ port }, index) => port === before[index]);
      expect(stayed.length).toBeGreaterThan(0);
      expect(stayed.length).toBeLessThan(CONNECTIONS);
    });
  },
  afterAll,
);
