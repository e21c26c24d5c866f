// What outlives the process of what is written behind: the last use of a key is there after an orderly end,
// and what a node had set aside of a quota goes back, so that none of it is lost by a restart.
import { expect, it } from "vitest";
import { KeyType, QuotaPeriod } from "../../gen/fleetkey/v1/key_pb.js";
import { clientOf, verdictOn } from "./client.ts";
import { useProcesses } from "./process.ts";
import { describeOnStores } from "./stores.ts";

const LIMIT = 1_000;

describeOnStores("an orderly end", (fresh) => {
  const processes = useProcesses();

  it("writes the last uses of keys, and gives back what is left of quotas", async () => {
    const { settings } = fresh();
    const first = await processes.start({ ...settings, FLEETKEY_USE_INTERVAL: "1h" });
    const { keys } = clientOf(first.url);
    const { apiKey, key } = await keys.create({
      type: KeyType.USER,
      userId: "user-1",
      quota: { limit: LIMIT, period: QuotaPeriod.NONE },
    });
    const keyId = key?.keyId ?? "";
    await keys.verify({ apiKey, clientAddress: "192.0.2.1", userAgent: "first" });
    const { quotaStatus } = await keys.verify({ apiKey, clientAddress: "192.0.2.2", userAgent: "second" });
    expect(quotaStatus?.remaining).toBe(LIMIT - 2);
    expect((await keys.get({ keyId })).key?.lastUse).toBeUndefined();
    await processes.stop(first);

    const second = await processes.start(settings);
    const client = clientOf(second.url);
    const { lastUse } = (await client.keys.get({ keyId })).key ?? {};
    expect(lastUse).toMatchObject({ address: "192.0.2.2", userAgent: "second", count: 2 });
    const after = await client.keys.verify({ apiKey });
    expect(after.quotaStatus?.remaining).toBe(LIMIT - 3);
    expect(await verdictOn(client, apiKey)).toBe("VALID");
    await processes.stop(second);
  });
});
