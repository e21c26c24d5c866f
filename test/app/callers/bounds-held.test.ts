// A node with a memory tells a bound caller no more than one without: what lies outside costs the same
// whether it is held, was never read or is not there. What lies inside is answered from memory.
import { expect, it } from "vitest";
import { verifyKey } from "../../../src/app/verify/verify-key.ts";
import { buildApiKey } from "../../domain/build.ts";
import { onEachStore } from "../backends.ts";
import { type HeldNode, heldNode } from "../held-node.ts";
import { create, ROOT } from "../world.ts";
import { callerOf, verifyInput } from "./callers.ts";

const OUTSIDE = { type: "user", userId: "user-2" } as const;

onEachStore("To a caller that is bound", (open) => {
  async function begin() {
    const { ports } = await open();
    const { caller } = await callerOf(ports, { userId: "user-1" });
    const node = await heldNode(ports);
    return {
      ports,
      node,
      ask: (apiKey: string, by = caller) =>
        traceOf(node, () => verifyKey(node.ports, by, verifyInput(apiKey))),
    };
  }

  it("a key outside is unknown after the same one read, held or not, again and again", async () => {
    const { ports, ask } = await begin();
    const absent = await ask(buildApiKey("user", 4_711));
    expect(absent).toEqual({ answer: { valid: false, reason: "unknown" }, calls: ["keys.read"] });
    const { apiKey } = await create(ports, OUTSIDE);
    expect(await ask(apiKey)).toEqual(absent);
    expect(await ask(apiKey)).toEqual(absent);
    expect(await ask(apiKey, ROOT)).toMatchObject({ answer: { valid: true } });
    // Now it is held.
    expect(await ask(apiKey, ROOT)).toMatchObject({ answer: { valid: true }, calls: [] });
    for (let call = 0; call < 3; call++) expect(await ask(apiKey)).toEqual(absent);
  });

  it("a key inside is held from its first use on, and answered from memory", async () => {
    const { ports, ask } = await begin();
    const { apiKey } = await create(ports);
    expect(await ask(apiKey)).toMatchObject({ answer: { valid: true } });
    expect(await ask(apiKey)).toMatchObject({ answer: { valid: true }, calls: [] });
  });
});

async function traceOf({ calls }: HeldNode, act: () => Promise<unknown>) {
  calls.length = 0;
  return { answer: await act(), calls: [...calls] };
}
