// Three processes on one store, and many callers that all want the same exclusive place at once: exactly one
// gets it, whatever ended the key that held it before, and a process that is killed in the midst of it leaves
// neither two live keys nor a place that nobody can take.
import { ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type Key, KeyState, KeyType } from "../../gen/fleetkey/v1/key_pb.js";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.js";
import { allKeys, type Client, clientOf, failureOf, verdictOn } from "./client.ts";
import { IS_LONG } from "./long-run.ts";
import { type ServiceRun, useProcesses } from "./process.ts";
import { describeOnStores, type TestStore } from "./stores.ts";

const NODES = 3;
/** Concurrent creates, spread over the nodes. */
const RIVALS = IS_LONG ? 100 : 30;
const ROUNDS = IS_LONG ? 20 : 2;
/** How often a process is killed; each time later in the race. */
const KILLS = IS_LONG ? 20 : 3;
const LIFE_MS = 300;
const TAKEN = { code: "AlreadyExists", reason: "EXCLUSIVE_KEY_EXISTS" };
const TEST_TIMEOUT_MS = IS_LONG ? 600_000 : 60_000;

const processes = useProcesses(afterAll);

const placeOf = (organizationId: string) => ({ type: KeyType.ORGANIZATION, organizationId, exclusive: true });

/** Asks all nodes at once. */
function askAll(clients: readonly Client[], organizationId: string) {
  return Array.from({ length: RIVALS }, (_, index) => {
    const client = clients[index % clients.length];
    if (client === undefined) throw new Error("there is a client for each node");
    return client.keys.create(placeOf(organizationId));
  });
}

/** Waits for all, and expects that one has the place and the others were told so. */
async function winnerOf(calls: ReturnType<typeof askAll>) {
  const outcomes = await Promise.allSettled(calls);
  const lost = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  for (const reason of lost) expect(await failureOf(Promise.reject(reason))).toMatchObject(TAKEN);
  const won = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const [winner] = won;
  if (won.length !== 1 || winner === undefined) throw new Error(`${won.length} got the place`);
  return { apiKey: winner.apiKey, keyId: winner.key?.keyId ?? "" };
}

async function liveKeys(client: Client, organizationId: string): Promise<readonly Key[]> {
  const keys = (await allKeys(client)).filter((key) => key.organizationId === organizationId);
  return keys.filter(({ state }) => state === KeyState.ACTIVE);
}

const startAll = async ({ settings }: TestStore): Promise<readonly ServiceRun[]> =>
  Promise.all(Array.from({ length: NODES }, () => processes.start(settings)));

describeOnStores(
  "one exclusive place for many",
  (fresh) => {
    let store: TestStore;
    let nodes: ServiceRun[];
    let clients: Client[];
    beforeAll(async () => {
      store = fresh();
      nodes = [...(await startAll(store))];
      clients = nodes.map(({ url }) => clientOf(url));
    });
    const [first, second] = [() => clientAt(0), () => clientAt(1)];
    function clientAt(index: number): Client {
      const client = clients[index];
      if (client === undefined) throw new Error("the nodes are started before the tests");
      return client;
    }

    it(`Of ${RIVALS} concurrent creates exactly one wins.`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const place = `fresh-${round}`;
        const { apiKey, keyId } = await winnerOf(askAll(clients, place));
        expect(await verdictOn(second(), apiKey)).toBe("VALID");
        expect((await liveKeys(first(), place)).map((key) => key.keyId)).toEqual([keyId]);
      }
    });

    it.each<[string, (place: string, keyId: string) => Promise<unknown>]>([
      ["revoked", (_place, keyId) => second().keys.revoke({ target: { case: "keyId", value: keyId } })],
      ["epoch-dead", (place) => second().keys.revokeAllForOrganization({ organizationId: place })],
    ])("A holder that is %s does not block it.", async (state, end) => {
      for (let round = 0; round < ROUNDS; round++) {
        const place = `${state}-${round}`;
        const created = await first().keys.create(placeOf(place));
        await end(place, created.key?.keyId ?? "");
        const { apiKey, keyId } = await winnerOf(askAll(clients, place));
        expect(await verdictOn(second(), apiKey)).toBe("VALID");
        expect((await liveKeys(first(), place)).map((key) => key.keyId)).toEqual([keyId]);
      }
    });

    describe("of a holder that has expired", () => {
      const expired = async (place: string) => {
        const { apiKey, key } = await first().keys.create({
          ...placeOf(place),
          expireTime: fromNow(LIFE_MS),
        });
        await vi.waitFor(async () => expect(await verdictOn(second(), apiKey)).toBe("EXPIRED"), 10_000);
        return key?.keyId ?? "";
      };

      it("exactly one takes it, and the holder cannot come back", async () => {
        for (let round = 0; round < ROUNDS; round++) {
          const place = `expired-${round}`;
          const holder = await expired(place);
          const { keyId } = await winnerOf(askAll(clients, place));
          expect((await liveKeys(second(), place)).map((key) => key.keyId)).toEqual([keyId]);
          const revival = first().keys.update({
            key: { keyId: holder },
            updateMask: { paths: ["expire_time"] },
          });
          expect(await failureOf(revival)).toMatchObject({ reason: "KEY_REVOKED" });
        }
      });

      it(
        "at most one has it when one of the processes is killed, and it can be taken afterwards",
        async () => {
          for (let kill = 0; kill < KILLS; kill++) {
            const place = `killed-${kill}`;
            await expired(place);
            const victim = await processes.start(store.settings);
            const calls = askAll([first(), second(), clientOf(victim.url)], place);
            let settled = 0;
            const killNow = new Promise<void>((resolve) => {
              for (const call of calls) {
                const count = () => ++settled >= kill && resolve();
                call.then(count, count);
              }
              if (kill === 0) resolve();
            });
            await killNow;
            victim.run.kill("SIGKILL");
            const [outcomes] = await Promise.all([Promise.allSettled(calls), victim.run.end()]);
            const won = outcomes.filter(({ status }) => status === "fulfilled");
            expect(won.length).toBeLessThanOrEqual(1);
            const live = await liveKeys(first(), place);
            expect(live.length).toBeLessThanOrEqual(1);
            const keyId = await takeOver(first(), place, live[0]?.keyId);
            expect((await liveKeys(second(), place)).map((key) => key.keyId)).toEqual([keyId]);
          }
        },
        TEST_TIMEOUT_MS,
      );
    });
  },
  afterAll,
);

/** Takes the place: at once, or after the key in it whose api_key died with its process was revoked. */
async function takeOver(client: Client, place: string, heldBy: string | undefined): Promise<string> {
  const holder = await client.keys.create(placeOf(place)).then(
    ({ key }) => ({ keyId: key?.keyId, isTaken: false }),
    (error) => {
      const [info] = ConnectError.from(error).findDetails(ErrorInfoSchema);
      return { keyId: info?.metadata["key_id"], isTaken: true };
    },
  );
  expect(holder.isTaken).toBe(heldBy !== undefined);
  if (!holder.isTaken) return holder.keyId ?? "";
  expect(holder.keyId).toBe(heldBy);
  await client.keys.revoke({ target: { case: "keyId", value: holder.keyId ?? "" } });
  const { key } = await client.keys.create(placeOf(place));
  return key?.keyId ?? "";
}

function fromNow(ms: number) {
  const time = Date.now() + ms;
  return { seconds: BigInt(Math.floor(time / 1_000)), nanos: (time % 1_000) * 1e6 };
}
