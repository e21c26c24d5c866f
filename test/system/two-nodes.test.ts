// Several processes on one store are one service: what one of them has answered holds for all of them, a
// revocation on itself at once and on the others within the bound.

import { afterAll, beforeAll, expect, it } from "vitest";
import { KeyType } from "../../gen/fleetkey/v1/key_pb.js";
import { refusalWithin } from "./bound.ts";
import { allEvents, allKeys, type Client, clientOf, createUserKey, failureOf, verdictOn } from "./client.ts";
import { IS_LONG } from "./long-run.ts";
import { useProcesses } from "./process.ts";
import { describeOnStores } from "./stores.ts";

const ROUNDS = IS_LONG ? 200 : 5;
/** The default, which is what the README promises. */
const LEASE_MS = 2_000;
/** Concurrent creates of one exclusive key. */
const RIVALS = 12;

describeOnStores(
  "two nodes",
  (fresh) => {
    const processes = useProcesses(afterAll);
    let a: Client;
    let b: Client;

    // At once, on a store that is empty.
    beforeAll(async () => {
      const { settings } = fresh();
      const [first, second] = await Promise.all([processes.start(settings), processes.start(settings)]);
      [a, b] = [clientOf(first.url), clientOf(second.url)];
    });

    it("verify each other's keys, and refuse what one has ended: itself at once", async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const [here, there] = round % 2 === 0 ? [a, b] : [b, a];
        const { apiKey, key } = await createUserKey(here, "user-1");
        expect(await verdictOn(there, apiKey)).toBe("VALID");
        const refreshed = await here.keys.refresh({ target: { case: "keyId", value: key?.keyId ?? "" } });
        expect(await verdictOn(here, apiKey)).toBe("UNKNOWN");
        // A new secret is valid everywhere at once.
        expect(await verdictOn(there, refreshed.apiKey)).toBe("VALID");
        expect(await refusalWithin(LEASE_MS, there, apiKey)).toBe("UNKNOWN");
        expect(await verdictOn(here, refreshed.apiKey)).toBe("VALID");
        await here.keys.revoke({ target: { case: "apiKey", value: refreshed.apiKey } });
        expect(await verdictOn(here, refreshed.apiKey)).toBe("REVOKED");
        expect(await refusalWithin(LEASE_MS, there, refreshed.apiKey)).toBe("REVOKED");
      }
    });

    it("refuse every key of a revoked user: who revoked it at once, the other in time", async () => {
      const mine = await Promise.all([a, b, a].map((client) => createUserKey(client, "revoked-user")));
      const other = await createUserKey(a, "user-2");
      expect(await Promise.all(mine.map(({ apiKey }) => verdictOn(b, apiKey)))).toEqual(
        Array(3).fill("VALID"),
      );
      expect(await a.keys.revokeAllForUser({ userId: "revoked-user" })).toMatchObject({ revokedCount: 3 });
      const onOther = Promise.all(mine.map(({ apiKey }) => refusalWithin(LEASE_MS, b, apiKey)));
      const verdicts = await Promise.all(mine.map(({ apiKey }) => verdictOn(a, apiKey)));
      expect(verdicts).toEqual(Array(3).fill("REVOKED"));
      expect(await onOther).toEqual(Array(3).fill("REVOKED"));
      expect(await verdictOn(b, other.apiKey)).toBe("VALID");
    });

    it("give an exclusive place to one of many that ask both for it, again and again", async () => {
      const ask = (client: Client) =>
        client.keys.create({ type: KeyType.ORGANIZATION, organizationId: "org-1", exclusive: true });
      for (let round = 0; round < Math.min(ROUNDS, 20); round++) {
        const asked = Array.from({ length: RIVALS }, (_, index) => ask(index % 2 === 0 ? a : b));
        const outcomes = await Promise.allSettled(asked);
        const won = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
        expect(won).toHaveLength(1);
        const lost = outcomes.filter(({ status }) => status === "rejected");
        for (const outcome of lost) {
          const { reason } = outcome as PromiseRejectedResult;
          expect(await failureOf(Promise.reject(reason))).toMatchObject({ reason: "EXCLUSIVE_KEY_EXISTS" });
        }
        const [winner] = won;
        expect(await verdictOn(b, winner?.apiKey ?? "")).toBe("VALID");
        await b.keys.revoke({ target: { case: "keyId", value: winner?.key?.keyId ?? "" } });
      }
    });

    it("continue each other's pages without a gap or a repeat", async () => {
      const PAGED = "paged-user";
      for (let index = 0; index < 7; index++) await createUserKey(index % 2 === 0 ? a : b, PAGED);
      const keyIds: string[] = [];
      const numbers: bigint[] = [];
      let keyToken = "";
      let eventToken = "";
      for (let page = 0; page < 4; page++) {
        const client = page % 2 === 0 ? a : b;
        const keys = await client.keys.list({ userId: PAGED, pageSize: 2, pageToken: keyToken });
        const events = await client.events.listEvents({ userId: PAGED, pageSize: 2, pageToken: eventToken });
        keyIds.push(...keys.keys.map(({ keyId }) => keyId));
        numbers.push(...events.events.map(({ number }) => number));
        [keyToken, eventToken] = [keys.nextPageToken, events.nextPageToken];
      }
      expect([keyToken, eventToken]).toEqual(["", ""]);
      expect(keyIds).toEqual(
        (await allKeys(a)).filter(({ userId }) => userId === PAGED).map(({ keyId }) => keyId),
      );
      expect(numbers).toEqual(
        (await allEvents(b)).filter(({ userId }) => userId === PAGED).map(({ number }) => number),
      );
      expect([new Set(keyIds).size, new Set(numbers).size]).toEqual([7, 7]);
    });
  },
  afterAll,
);
