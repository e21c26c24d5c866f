// The root credential: two are accepted at once, so that one replaces the other while calls go on; and a
// start warns as long as it is what every caller has to use.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type RunningService, runService } from "../../running-service.ts";
import { type Client, clientOf, createUserKey, failureOf, verdictOn } from "../../system/client.ts";

const FORMER = "former-root-".padEnd(40, "f");
const NEXT = "next-root-".padEnd(40, "n");
const WARNING = "no key has a scope of fleetkey: yet";

let folder: string;
const running: RunningService[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleetkey-root-"));
});
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
  rmSync(folder, { recursive: true });
});

/** Starts on the same file each time; what ran before is stopped. */
async function restart(rootKeys: string): Promise<RunningService> {
  for (const service of running.splice(0)) await service.stop();
  const store = `sqlite:${join(folder, "fleetkey.db")}`;
  const service = await runService({
    FLEETKEY_STORE: store,
    FLEETKEY_ROOT_KEY: rootKeys,
    // The clients keep their connections.
    FLEETKEY_DRAIN_TIMEOUT: "1s",
  });
  running.push(service);
  return service;
}

const isRefused = async (client: Client) =>
  expect(await failureOf(client.keys.list({}))).toMatchObject({ reason: "CREDENTIAL_INVALID" });

it("one root credential replaces the other, and at no time are both refused", async () => {
  const before = await restart(FORMER);
  const { apiKey } = await createUserKey(clientOf(before.url, FORMER), "user-1");
  await isRefused(clientOf(before.url, NEXT));

  const between = await restart(`${FORMER},${NEXT}`);
  for (const credential of [FORMER, NEXT]) {
    expect(await verdictOn(clientOf(between.url, credential), apiKey)).toBe("VALID");
  }
  await isRefused(clientOf(between.url, `${FORMER},${NEXT}`));

  const after = await restart(NEXT);
  expect(await verdictOn(clientOf(after.url, NEXT), apiKey)).toBe("VALID");
  await isRefused(clientOf(after.url, FORMER));
});

it("a start warns while only the root credential can call, and no longer", async () => {
  const first = await restart(FORMER);
  expect(first.logged()).toContain(WARNING);
  const root = clientOf(first.url, FORMER);
  await createUserKey(root, "user-1");

  const second = await restart(FORMER);
  expect(second.logged()).toContain(WARNING);
  const { key } = await clientOf(second.url, FORMER).keys.create({
    ...{ type: 3, serviceAccountId: "billing", scopes: ["fleetkey:verify"] },
  });

  const third = await restart(FORMER);
  expect(third.logged()).not.toContain(WARNING);
  await clientOf(third.url, FORMER).keys.revoke({ target: { case: "keyId", value: key?.keyId ?? "" } });

  const fourth = await restart(FORMER);
  expect(fourth.logged()).toContain(WARNING);
});
