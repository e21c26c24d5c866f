// A service whose store goes away says so and never guesses: calls are answered `unavailable` with a time to
// try again, only keys that it remembers are called valid, within the lease alone, and it goes on by itself
// when the store is back.

import { expect, it, vi } from "vitest";
import { describeMongo } from "../mongo-server.ts";
import { ask, refusalWithin } from "./bound.ts";
import { type Client, clientOf, createUserKey, failureOf, verdictOn } from "./client.ts";
import { IS_LONG } from "./long-run.ts";
import { useProcesses } from "./process.ts";
import { useMongo } from "./stores.ts";
import { type TcpProxy, useTcpProxy } from "./tcp-proxy.ts";

const CALLS = IS_LONG ? 200 : 16;
const CUTS = IS_LONG ? 60 : 10;
const CALLERS = 8;
/** Long enough for a busy machine to answer from memory when the store has gone away. */
const LEASE_MS = 4_000;
/** How long recovery may take: the driver looks again every half second. */
const RECOVERY = { timeout: 15_000, interval: 50 };
const TEST_TIMEOUT_MS = IS_LONG ? 300_000 : 60_000;

const UNAVAILABLE = {
  code: "Unavailable",
  reason: "STORE_UNAVAILABLE",
  retryDelay: expect.objectContaining({ seconds: 1n }),
};

describeMongo("a store that goes away", () => {
  const fresh = useMongo();
  const processes = useProcesses();
  const throughProxy = useTcpProxy();

  /** The settings of a service whose store is behind a proxy. */
  async function behindProxy() {
    const { settings, database } = fresh();
    const { proxy, uri } = await throughProxy(database.uri);
    return { proxy, settings: { ...settings, FLEETKEY_STORE: uri, FLEETKEY_LEASE: `${LEASE_MS}ms` } };
  }

  async function startBehindProxy() {
    const { proxy, settings } = await behindProxy();
    const { url, run } = await processes.start(settings);
    const client = clientOf(url);
    const { apiKey } = await createUserKey(client, "user-1");
    expect(await verdictOn(client, apiKey)).toBe("VALID");
    return { proxy, client, apiKey, url, run };
  }

  /** The key can be remembered: only what is read tells that the connections of the calls are back, too. */
  const recovers = (client: Client, apiKey: string) =>
    vi.waitFor(async () => {
      expect(await verdictOn(client, apiKey)).toBe("VALID");
      await client.keys.list({ pageSize: 1 });
    }, RECOVERY);

  /** Cuts it while the key is remembered: the event of its own creation makes it forgotten once. */
  const cutWhileHeld = (proxy: TcpProxy, client: Client, apiKey: string) =>
    vi.waitFor(async () => {
      proxy.cut();
      const { answer } = await ask(client, apiKey);
      if (answer !== "VALID") {
        proxy.heal();
        await recovers(client, apiKey);
      }
      expect(answer).toBe("VALID");
    }, RECOVERY);

  it(
    "makes every call `unavailable` when the lease has ended, and all is well again when it is back",
    async () => {
      const { proxy, client, apiKey, url } = await startBehindProxy();
      await cutWhileHeld(proxy, client, apiKey);
      // What needs the store does not wait for the lease to end.
      const changes = Array.from({ length: CALLS }, () => failureOf(createUserKey(client, "user-2")));
      expect(await refusalWithin(LEASE_MS, client, apiKey)).toBe("STORE_UNAVAILABLE");
      expect(await Promise.all(changes)).toEqual(Array(CALLS).fill(UNAVAILABLE));
      const calls = Array.from({ length: CALLS }, (_, index) =>
        failureOf(index % 2 === 0 ? client.keys.verify({ apiKey }) : createUserKey(client, "user-2")),
      );
      expect(await Promise.all(calls)).toEqual(Array(CALLS).fill(UNAVAILABLE));
      expect(await failureOf(client.keys.revokeAllForUser({ userId: "user-1" }))).toEqual(UNAVAILABLE);
      // What needs no store is still answered: a mistyped key, and whether the process is alive.
      expect(await verdictOn(client, `${apiKey}x`)).toBe("MALFORMED");
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      proxy.heal();
      await recovers(client, apiKey);
      expect((await client.keys.list({ userId: "user-2" })).keys).toEqual([]);
      expect(await verdictOn(client, (await createUserKey(client, "user-2")).apiKey)).toBe("VALID");
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "for a moment, again and again, makes each call right or `unavailable`, never wrong",
    async () => {
      const { proxy, client, apiKey } = await startBehindProxy();
      const revoked = await createUserKey(client, "user-1");
      await client.keys.revoke({ target: { case: "apiKey", value: revoked.apiKey } });
      let isOver = false;
      const wrong: unknown[] = [];
      const askOften = async (text: string, right: string) => {
        while (!isOver) {
          const failed = (error: unknown) => failureOf(Promise.reject(error));
          const answer = await verdictOn(client, text).catch(failed);
          const isUnavailable = typeof answer === "object" && answer.reason === "STORE_UNAVAILABLE";
          if (answer !== right && !isUnavailable) wrong.push(answer);
        }
      };
      const asking = Array.from({ length: CALLERS }, (_, index) =>
        index % 2 === 0 ? askOften(apiKey, "VALID") : askOften(revoked.apiKey, "REVOKED"),
      );
      for (let cut = 0; cut < CUTS && wrong.length === 0; cut++) {
        proxy.cut();
        proxy.heal();
        await recovers(client, apiKey);
      }
      isOver = true;
      await Promise.all(asking);
      expect(wrong).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "and says nothing for a while holds a call up that needs it, which is then answered from the store",
    async () => {
      const { proxy, client } = await startBehindProxy();
      const { apiKey, key } = await createUserKey(client, "user-1");
      proxy.stall();
      const held = proxy.holds(key?.keyId);
      const verdict = verdictOn(client, apiKey);
      await held;
      proxy.heal();
      expect(await verdict).toBe("VALID");
    },
    TEST_TIMEOUT_MS,
  );

  it.runIf(IS_LONG)("and says nothing any more makes calls `unavailable` in the end", async () => {
    const { proxy, client } = await startBehindProxy();
    const { apiKey } = await createUserKey(client, "user-1");
    proxy.stall();
    expect(await failureOf(client.keys.verify({ apiKey }))).toEqual(UNAVAILABLE);
    proxy.heal();
    await recovers(client, apiKey);
  });

  it(
    "does not keep a service from ending in good order",
    async () => {
      const { proxy, run } = await startBehindProxy();
      proxy.cut();
      run.kill("SIGTERM");
      expect(await run.end()).toEqual({ code: 0, signal: null });
    },
    TEST_TIMEOUT_MS,
  );
});

describeMongo("a store that is not there at the start", () => {
  const fresh = useMongo();
  const processes = useProcesses();
  const throughProxy = useTcpProxy();
  const PASSWORD = "word-of-the-tests";

  async function launchBehindCut(withPassword = false) {
    const { settings, database } = fresh();
    const { proxy, uri } = await throughProxy(database.uri);
    proxy.cut();
    const store = withPassword ? uri.replace("//", `//user:${PASSWORD}@`) : uri;
    const launched = { ...settings, FLEETKEY_STORE: store, FLEETKEY_LOG_LEVEL: "trace" };
    return { proxy, run: processes.launch(launched, { cwd: processes.folder() }) };
  }

  it(
    "is waited for, which the log says; the service starts once it is there",
    async () => {
      const { proxy, run } = await launchBehindCut();
      await run.printed(/"retryInMs":\d+,"msg":"the store does not answer; trying again"/);
      expect(run.stdout).toBe("");
      proxy.heal();
      const [, url = ""] = await run.printed(/ is listening on (\S+)\n/);
      const client = clientOf(url);
      const { apiKey } = await createUserKey(client, "user-1");
      expect(await verdictOn(client, apiKey)).toBe("VALID");
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "is not waited for after SIGTERM, and its password is not in the log",
    async () => {
      const { run } = await launchBehindCut(true);
      await run.printed(/trying again/);
      run.kill("SIGTERM");
      const { signal } = await run.end();
      expect(signal).toBeNull();
      expect(run.stdout).toBe("");
      expect(run.stderr).toContain('"msg":"stopping"');
      expect(run.output).not.toContain(PASSWORD);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "ends the process with 0 and without a stack when it was told to stop",
    async () => {
      const { run } = await launchBehindCut();
      await run.printed(/trying again/);
      run.kill("SIGTERM");
      expect(await run.end()).toEqual({ code: 0, signal: null });
      expect(run.stderr).not.toContain("cannot start");
    },
    TEST_TIMEOUT_MS,
  );
});
