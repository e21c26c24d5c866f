// What is held and what is not enough: a MAC that is to be renewed goes the long way and is forgotten, and
// who acts by possession of a secret is judged by the store, whatever is remembered.
import { expect, it, vi } from "vitest";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { reportLeak } from "../../../src/app/leaks/report-leak.ts";
import { macOf, pepperSet } from "../../../src/domain/api-key/digests.ts";
import { storeUnavailable } from "../../../src/store/errors.ts";
import { buildPepper } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { heldNode } from "../held-node.ts";
import { codeOf } from "../outcomes.ts";
import { byApiKey, byId, refreshInput, revokeInput } from "../requests.ts";
import { create, NOBODY, ROOT, stored, verdictOf } from "../world.ts";

const [P1, P2] = [buildPepper(1), buildPepper(2)];

onEachStore("A MAC under an older pepper", (open) => {
  it("is renewed by the first use; the second reads it, and from the third on it is held", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports);
    const node = await heldNode({ ...ports, peppers: pepperSet([P2, P1]) });
    const asked: (readonly string[])[] = [];
    for (let use = 0; use < 4; use++) {
      node.calls.length = 0;
      expect(await verdictOf(node.ports, apiKey)).toBe("valid");
      asked.push(node.calls.map((call) => call.replace("principals.read", "")).filter(Boolean));
    }
    expect(asked).toEqual([["keys.read", "keys.replaceMac"], ["keys.read"], [], []]);
    expect((await stored(ports, key.keyId)).generations[0].mac).toEqual(macOf(apiKey, P2));
  });

  it("that another node has renewed meanwhile is not held on to", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports);
    const older = await heldNode(ports);
    await verdictOf(older.ports, apiKey);
    // The node goes on with what it remembers; only its peppers are new.
    const node = { ...older.ports, peppers: pepperSet([P2, P1]) };
    expect(await verdictOf({ ...ports, peppers: pepperSet([P2, P1]) }, apiKey)).toBe("valid");
    expect(await verdictOf(node, apiKey)).toBe("valid");
    expect(await verdictOf(node, apiKey)).toBe("valid");
    older.calls.length = 0;
    expect(await verdictOf(node, apiKey)).toBe("valid");
    expect(older.calls).toEqual([]);
  });

  it("is not renewed for a wrong secret, held or not", async () => {
    const { ports } = await open();
    const { apiKey: old, key } = await create(ports);
    await refreshKey(ports, ROOT, refreshInput(byId(key.keyId)));
    const node = await heldNode({ ...ports, peppers: pepperSet([P2, P1]) });
    for (let use = 0; use < 2; use++) expect(await verdictOf(node.ports, old)).toBe("unknown");
    expect(node.calls).not.toContain("keys.replaceMac");
  });

  it("that this node lacks is unavailable from memory, too", async () => {
    const { ports } = await open();
    const { apiKey } = await create(ports);
    const node = await heldNode({ ...ports, peppers: pepperSet([P2]) });
    for (let use = 0; use < 2; use++) {
      expect(await codeOf(verdictOf(node.ports, apiKey))).toBe("unavailable PEPPER_MISSING");
    }
  });
});

onEachStore("Who acts by possession of a secret", (open) => {
  const REFUSED = "unauthenticated CREDENTIAL_REQUIRED";

  it("is refused with one that another node has replaced, though Verify still lets it in", async () => {
    const { ports } = await open();
    const { apiKey: old, key } = await create(ports);
    const [node, other] = [await heldNode(ports), await heldNode(ports)];
    await verdictOf(node.ports, old);
    const { apiKey } = await refreshKey(other.ports, ROOT, refreshInput(byId(key.keyId)));
    expect(await verdictOf(node.ports, old)).toBe("valid");
    expect(await codeOf(refreshKey(node.ports, NOBODY, refreshInput(byApiKey(old))))).toBe(REFUSED);
    expect(await codeOf(revokeKey(node.ports, NOBODY, revokeInput(byApiKey(old))))).toBe(REFUSED);
    expect(await verdictOf(ports, apiKey)).toBe("valid");
    await revokeKey(node.ports, NOBODY, revokeInput(byApiKey(apiKey)));
    expect(await verdictOf(node.ports, apiKey)).toBe("revoked");
  });

  it("cannot renew a key that another node has revoked", async () => {
    const { ports } = await open();
    const { apiKey, key } = await create(ports);
    const [node, other] = [await heldNode(ports), await heldNode(ports)];
    await verdictOf(node.ports, apiKey);
    await revokeKey(other.ports, ROOT, revokeInput(byId(key.keyId)));
    expect(await verdictOf(node.ports, apiKey)).toBe("valid");
    const refused = refreshKey(node.ports, NOBODY, refreshInput(byApiKey(apiKey)));
    expect(await codeOf(refused)).toBe("failed_precondition KEY_REVOKED");
  });

  it("and who reports a leak is answered by the store alone", async () => {
    const { ports, store } = await open();
    const { apiKey } = await create(ports);
    const node = await heldNode(ports);
    await verdictOf(node.ports, apiKey);
    vi.spyOn(store.keys, "read").mockRejectedValue(storeUnavailable(new Error("no answer")));
    expect(await verdictOf(node.ports, apiKey)).toBe("valid");
    const calls = [
      refreshKey(node.ports, NOBODY, refreshInput(byApiKey(apiKey))),
      revokeKey(node.ports, NOBODY, revokeInput(byApiKey(apiKey))),
      reportLeak(node.ports, ROOT, { apiKey, source: "scanner", url: "" }),
    ];
    expect(await Promise.all(calls.map((call) => codeOf(call)))).toEqual(
      Array(3).fill("unavailable STORE_UNAVAILABLE"),
    );
  });
});
