// A caller whose api_key has opened its key before is recognized sooner, and no longer than one who shows it
// for the first time.
import { expect, it } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { byApiKey, refreshInput, revokeInput } from "../../app/requests.ts";
import { create, ROOT } from "../../app/world.ts";
import { openRoad } from "./road.ts";

async function open() {
  const road = await openRoad({ hasLane: true });
  const { apiKey, key } = await create(road.ports, { scopes: ["fleetkey:verify"] });
  const credential = (secret: string) => ({ credential: { kind: "one", secret } as const });
  const hold = () => road.ports.views.read(key.keyId);
  const recognize = (secret = apiKey) => road.authentication.recognize(credential(secret))?.id;
  return { road, apiKey, key, hold, recognize };
}

it("only while the key is held", async () => {
  const { road, key, hold, recognize } = await open();
  expect(recognize()).toBeUndefined();
  await hold();
  expect([recognize(), recognize()]).toEqual([key.keyId, key.keyId]);
  road.forgetAll();
  expect(recognize()).toBeUndefined();
});

it("until the key is revoked", async () => {
  const { road, apiKey, key, hold, recognize } = await open();
  await hold();
  expect(recognize()).toBe(key.keyId);
  await revokeKey(road.ports, ROOT, revokeInput(byApiKey(apiKey)));
  road.forgetAll();
  await hold();
  expect([recognize(), recognize()]).toEqual([undefined, undefined]);
});

it("until the grace of a former secret is over, and the new one from its beginning", async () => {
  const { road, apiKey, key, hold, recognize } = await open();
  await hold();
  expect(recognize()).toBe(key.keyId);
  const newer = await refreshKey(road.ports, ROOT, refreshInput(byApiKey(apiKey), { graceMs: 1_000 }));
  road.forgetAll();
  await hold();
  expect([recognize(), recognize(newer.apiKey)]).toEqual([key.keyId, key.keyId]);
  road.world.clock.now += 999;
  expect([recognize(), recognize(newer.apiKey)]).toEqual([key.keyId, key.keyId]);
  road.world.clock.now += 1;
  expect([recognize(), recognize(newer.apiKey)]).toEqual([undefined, key.keyId]);
});

it("not by another text, however often the right one was shown", async () => {
  const { apiKey, hold, recognize } = await open();
  await hold();
  recognize();
  for (const text of [apiKey.slice(0, -1), `${apiKey} `, apiKey.toUpperCase(), ""]) {
    expect(recognize(text)).toBeUndefined();
  }
});
