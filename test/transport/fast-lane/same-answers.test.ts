// The fast lane changes nothing but the time: whatever a client sends, it answers as the stock road does.
// Two listeners in the same state are told the same, one of them with the lane.
import fc from "fast-check";
import { expect, it } from "vitest";
import { IS_LONG } from "../../system/long-run.ts";
import { type AnyCall, anyCall } from "./any-call.ts";
import { makeKeys } from "./keys.ts";
import { openRoad, type Road } from "./road.ts";
import { openSession, sendOverHttp1, sendOverHttp2, type Told } from "./send.ts";

const CALLS = IS_LONG ? 5_000 : 500;
/** So many of them at least are so plain that the lane takes them. */
const TAKEN_MIN = CALLS / 6;

const WORLDS = [
  { what: "with a limit of wrong attempts", hasOrigins: false, failuresMax: 20 },
  { what: "with origins of web pages", hasOrigins: true, failuresMax: 1_000_000 },
];

async function openBoth(options: { readonly hasOrigins: boolean; readonly failuresMax: number }) {
  const lane = await openRoad({ ...options, hasLane: true });
  const stock = await openRoad({ ...options, hasLane: false });
  const keys = await makeKeys(lane);
  expect(await makeKeys(stock)).toEqual(keys);
  return { lane, stock, keys };
}

/** Puts a road into the state that the call finds; returns how to leave it. */
function prepare(road: Road, { before }: AnyCall): () => void {
  if (before !== "nothing") road.forgetAll();
  road.store.answers = before === "store is away" ? "unavailable" : "at once";
  return () => road.store.release();
}

async function expectSame(
  roads: { readonly lane: Road; readonly stock: Road },
  call: AnyCall,
  send: (road: Road) => Promise<Told>,
): Promise<void> {
  const outcomes: object[] = [];
  for (const road of [roads.lane, roads.stock]) {
    const uses = road.world.uses.length;
    const leave = prepare(road, call);
    const told = await send(road);
    leave();
    // A call that came to nothing, or to an answer of node's own, need not be a use of its caller's key.
    const hasAnswer = told.headers["cache-control"] !== undefined;
    outcomes.push({ told, uses: hasAnswer ? road.world.uses.slice(uses) : [] });
  }
  expect(outcomes[0]).toEqual(outcomes[1]);
}

it.each(WORLDS)("every call over HTTP/2, $what", { timeout: 600_000 }, async (options) => {
  const { lane, stock, keys } = await openBoth(options);
  const sessions = new Map([
    [lane, await openSession(lane.url)],
    [stock, await openSession(stock.url)],
  ]);
  const property = fc.asyncProperty(anyCall(keys, 2), (call) =>
    expectSame({ lane, stock }, call, async (road) => {
      const session = sessions.get(road);
      const open = session === undefined || session.closed ? await openSession(road.url) : session;
      sessions.set(road, open);
      return sendOverHttp2(open, call);
    }),
  );
  await fc.assert(property, { numRuns: CALLS, endOnFailure: true });
  for (const session of sessions.values()) session.destroy();
  expect(lane.counts.taken - lane.counts.handedOver).toBeGreaterThan(TAKEN_MIN);
});

it.each(WORLDS)("every call over HTTP/1.1, $what", { timeout: 600_000 }, async (options) => {
  const { lane, stock, keys } = await openBoth(options);
  const property = fc.asyncProperty(anyCall(keys, 1), (call) =>
    expectSame({ lane, stock }, call, (road) => sendOverHttp1(road.url, call)),
  );
  await fc.assert(property, { numRuns: CALLS, endOnFailure: true });
  expect(lane.counts.taken - lane.counts.handedOver).toBeGreaterThan(TAKEN_MIN);
});
