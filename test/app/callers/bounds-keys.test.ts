// What lies outside a caller's bounds answers every call on one key exactly like what does not exist: in the
// same words, after the same reads, and without a write. What lies inside answers as it does to anybody.
import { expect, it } from "vitest";
import type { Caller } from "../../../src/access/caller.ts";
import { getKey } from "../../../src/app/keys/read-keys.ts";
import { refreshKey } from "../../../src/app/keys/refresh-key.ts";
import { revokeKey } from "../../../src/app/keys/revoke-key.ts";
import { updateKey } from "../../../src/app/keys/update-key.ts";
import { reportLeak } from "../../../src/app/leaks/report-leak.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import { storedViews } from "../../../src/app/target/read-view.ts";
import { verifyKey, verifyKeys } from "../../../src/app/verify/verify-key.ts";
import { FleetkeyError, keyNotFound } from "../../../src/domain/errors.ts";
import type { KeyType } from "../../../src/domain/key-type.ts";
import type { Owner } from "../../../src/domain/principal.ts";
import { buildApiKey } from "../../domain/build.ts";
import { creationOf, keyAt, keyIdAt } from "../../store/build.ts";
import { onEachStore } from "../backends.ts";
import { byApiKey, byId, byOwner, refreshInput, revokeInput, updateInput } from "../requests.ts";
import { feedOf, ROOT, stored } from "../world.ts";
import { ALL_CALLS, callerOf, noting, ownedBy, verifyInput, writesOf } from "./callers.ts";
import { createOwned, KINDS } from "./tenants.ts";

interface Target {
  readonly keyId: string;
  readonly apiKey: string;
  readonly owner: Owner;
  readonly type: KeyType;
}
type Act = (ports: AppPorts, caller: Caller, target: Target) => Promise<unknown>;

const leak = { source: "github", url: "https://code.example/a" };
const ofOwner = ({ owner, type }: Target) => byOwner(owner, type);

/** How a key that is not there is answered. */
const NOT_FOUND = keyNotFound();
const NOT_THERE = { code: NOT_FOUND.code, message: NOT_FOUND.message, details: NOT_FOUND.details };
const UNKNOWN = { valid: false, reason: "unknown" };

/** Each call, and what it answers for a key that is not there. */
const ACTS: readonly (readonly [string, Act, unknown])[] = [
  ["Get", (ports, caller, { keyId }) => getKey(ports, caller, keyId), NOT_THERE],
  [
    "Update",
    (ports, caller, { keyId }) =>
      updateKey(ports, caller, updateInput(keyId, { paths: ["name"], name: "n" })),
    NOT_THERE,
  ],
  [
    "Update without a change",
    (ports, caller, { keyId }) => updateKey(ports, caller, updateInput(keyId, { paths: ["name"] })),
    NOT_THERE,
  ],
  [
    "Refresh by key_id",
    (ports, caller, { keyId }) => refreshKey(ports, caller, refreshInput(byId(keyId))),
    NOT_THERE,
  ],
  [
    "Refresh by api_key",
    (ports, caller, { apiKey }) => refreshKey(ports, caller, refreshInput(byApiKey(apiKey))),
    NOT_THERE,
  ],
  [
    "Revoke by key_id",
    (ports, caller, { keyId }) => revokeKey(ports, caller, revokeInput(byId(keyId))),
    NOT_THERE,
  ],
  [
    "Revoke by api_key",
    (ports, caller, { apiKey }) => revokeKey(ports, caller, revokeInput(byApiKey(apiKey))),
    NOT_THERE,
  ],
  [
    "Refresh by owner",
    (ports, caller, target) => refreshKey(ports, caller, refreshInput(ofOwner(target))),
    NOT_THERE,
  ],
  [
    "Revoke by owner",
    (ports, caller, target) => revokeKey(ports, caller, revokeInput(ofOwner(target))),
    NOT_THERE,
  ],
  [
    "ReportLeak",
    (ports, caller, { apiKey }) => reportLeak(ports, caller, { apiKey, ...leak }),
    { revoked: false, keyId: "" },
  ],
  ["Verify", (ports, caller, { apiKey }) => verifyKey(ports, caller, verifyInput(apiKey)), UNKNOWN],
  [
    "BatchVerify",
    (ports, caller, { apiKey }) => verifyKeys(ports, caller, [verifyInput(apiKey), verifyInput(apiKey)]),
    [{ verdict: UNKNOWN }, { verdict: UNKNOWN }],
  ],
];

/** All that a caller can tell of a call: its whole answer, and what it cost. */
async function traceOf(ports: AppPorts, caller: Caller, act: Act, target: Target) {
  const { ports: noted, calls } = noting(ports);
  try {
    return { answer: await act({ ...noted, views: storedViews(noted.store) }, caller, target), calls };
  } catch (error) {
    if (!(error instanceof FleetkeyError)) throw error;
    const { code, message, details } = error;
    return { answer: { code, message, details }, calls };
  }
}

/** A caller whose own key, which lies inside, is not found by its owner any more. */
async function goneCallerOf(ports: AppPorts, bounds: Owner, scopes: readonly string[]): Promise<Caller> {
  const { caller, key } = await callerOf(ports, bounds, { scopes });
  await revokeKey(ports, ROOT, revokeInput(byId(key.keyId)));
  return caller;
}

/** An administrator sees no more than others; that a key outside is an administrator's is not told either. */
const CALLERS = [
  { who: "a caller", scopes: ALL_CALLS, theirs: ["fleetkey:admin"] },
  { who: "an administrator", scopes: ["fleetkey:admin"], theirs: [] },
];

const CASES = KINDS.flatMap((kind) =>
  CALLERS.flatMap((caller) => ACTS.map(([call, act, absent]) => ({ ...kind, ...caller, call, act, absent }))),
);

onEachStore("A key outside is not there", (open) => {
  it.each(CASES)(
    "for $who bound to $kind: $call",
    async ({ bounds, outside, scopes, theirs, call, act, absent }) => {
      const { ports } = await open();
      const caller = await goneCallerOf(ports, bounds, scopes);
      // No owner at all is no target.
      const owners = outside.filter((owner) => !call.endsWith("owner") || Object.keys(owner).length > 0);
      for (const owner of owners) {
        const type = ownedBy(owner).type as KeyType;
        const nowhere = { keyId: keyIdAt(4_711, type), apiKey: buildApiKey(type, 4_711), owner, type };
        const before = await traceOf(ports, caller, act, nowhere);
        const { apiKey, key } = await createOwned(ports, owner, { scopes: theirs });
        const events = await feedOf(ports);
        const target = { keyId: key.keyId, apiKey, owner, type };
        const after = await traceOf(ports, caller, act, target);
        expect(after).toEqual(before);
        expect(after.answer).toEqual(absent);
        expect(writesOf(after.calls)).toEqual([]);
        expect(await stored(ports, key.keyId)).toEqual(key);
        expect(await feedOf(ports)).toEqual(events);
      }
    },
  );
});

onEachStore("A key inside is there", (open) => {
  it.each(CASES)("for $who bound to $kind: $call", async ({ bounds, inside, scopes, act, absent }) => {
    for (const owner of inside) {
      const { ports } = await open();
      const caller = await goneCallerOf(ports, bounds, scopes);
      const type = ownedBy(owner).type as KeyType;
      const { apiKey, key } = await createOwned(ports, owner, { exclusive: true });
      const answer = await act(ports, caller, { keyId: key.keyId, apiKey, owner, type });
      expect(answer).not.toEqual(absent);
      expect(JSON.stringify(answer)).toContain(key.keyId);
    }
  });
});

onEachStore("By an owner", (open) => {
  it("a key outside is neither chosen nor named: the one inside is meant", async () => {
    const { ports } = await open();
    const { caller } = await callerOf(ports, { organizationId: "org-1" });
    const inside = await createOwned(ports, { userId: "user-1", organizationId: "org-1" });
    for (const organizationId of ["org-2", "org-3"])
      await createOwned(ports, { userId: "user-1", organizationId });
    await createOwned(ports, { userId: "user-1" }, { exclusive: true });
    const { key } = await revokeKey(ports, caller, revokeInput(byOwner({ userId: "user-1" })));
    expect(key.keyId).toBe(inside.key.keyId);
  });

  it("outside, the number of its keys does not show in what the answer costs", async () => {
    const { ports, store } = await open();
    const { caller } = await callerOf(ports, { userId: "user-1" });
    const owner = { userId: "user-2" };
    const target = { keyId: "", apiKey: "", owner, type: "user" } as const;
    const revoke: Act = (noted) => revokeKey(noted, caller, revokeInput(byOwner(owner)));
    const before = await traceOf(ports, caller, revoke, target);
    // More than are read at a time.
    const keys = Array.from({ length: 1_001 }, (_, seed) => keyAt(seed, { owner, epochs: [] }));
    await store.keys.insertBatch(keys, creationOf(keyAt(0)));
    expect(await traceOf(ports, caller, revoke, target)).toEqual(before);
  });
});
