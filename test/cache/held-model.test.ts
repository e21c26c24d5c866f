// The guarantee of the memory as a whole (held-keys, event-tail, lease), under every order of writes, reads,
// answers and looks that fast-check comes upon: nobody is told what was changed longer than a lease ago, nor
// on the node that changed it.
import fc from "fast-check";
import { expect, it } from "vitest";
import { MISSING_MS_MAX } from "../../src/cache/event-tail.ts";
import { propertyRuns } from "../domain/build.ts";
import { settled } from "./hand-stopwatch.ts";
import { KEY_IDS, LEASE_MS, PRINCIPAL_IDS, SimulatedNode } from "./simulated-node.ts";

const IDS = [...KEY_IDS, ...PRINCIPAL_IDS];

type Command =
  | { readonly kind: "write"; readonly id: string; readonly isOwn: boolean }
  | { readonly kind: "goOn"; readonly which: number }
  | { readonly kind: "die"; readonly which: number }
  | { readonly kind: "open"; readonly which: number; readonly isLost: boolean }
  | { readonly kind: "openAll" | "look" | "lookAll" }
  | { readonly kind: "writeAll"; readonly id: string; readonly isOwn: boolean }
  | { readonly kind: "read" | "readAgain"; readonly id: string }
  | { readonly kind: "pass" | "suspend" | "setWall"; readonly ms: number };

const keyId = fc.constantFrom(...KEY_IDS);
const which = fc.nat(9);
const kindOf = <Kind extends Command["kind"]>(kind: Kind) => fc.constant(kind);
const ms = fc.constantFrom(1, 200, 500, MISSING_MS_MAX, LEASE_MS - 1, LEASE_MS);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: kindOf("write"), id: fc.constantFrom(...IDS), isOwn: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: kindOf("writeAll"), id: fc.constantFrom(...IDS), isOwn: fc.boolean() }),
  },
  { weight: 6, arbitrary: fc.record({ kind: kindOf("goOn"), which }) },
  { weight: 1, arbitrary: fc.record({ kind: kindOf("die"), which }) },
  { weight: 8, arbitrary: fc.record({ kind: kindOf("open"), which, isLost: fc.nat(9).map((n) => n === 0) }) },
  { weight: 3, arbitrary: fc.record({ kind: kindOf("openAll") }) },
  { weight: 3, arbitrary: fc.record({ kind: kindOf("look") }) },
  { weight: 3, arbitrary: fc.record({ kind: kindOf("lookAll") }) },
  { weight: 8, arbitrary: fc.record({ kind: kindOf("read"), id: keyId }) },
  { weight: 2, arbitrary: fc.record({ kind: kindOf("readAgain"), id: keyId }) },
  { weight: 3, arbitrary: fc.record({ kind: kindOf("pass"), ms }) },
  { weight: 1, arbitrary: fc.record({ kind: kindOf("suspend"), ms }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: kindOf("setWall"), ms: fc.integer({ min: -9_999, max: 9_999 }) }),
  },
);

class Run {
  readonly node = new SimulatedNode();
  readonly troubles: string[] = [];
  hits = 0;

  async do(command: Command): Promise<void> {
    const { node } = this;
    if (command.kind === "write") node.write(command.id, command.isOwn);
    else if (command.kind === "writeAll") node.writeAll(command.id, command.isOwn);
    else if (command.kind === "lookAll") await this.look();
    else if (command.kind === "goOn") node.goOn(command.which);
    else if (command.kind === "die") node.die(command.which);
    else if (command.kind === "open") node.open(command.which, command.isLost);
    else if (command.kind === "openAll") await this.openAll();
    else if (command.kind === "look") node.look();
    else if (command.kind === "read") this.#read(command.id);
    else if (command.kind === "readAgain") this.#readAgain(command.id);
    else if (command.kind === "pass") node.stopwatch.pass(command.ms);
    else if (command.kind === "suspend") node.stopwatch.suspend(command.ms);
    else if (command.kind === "setWall") node.stopwatch.setWall(command.ms);
    await settled();
    for (const id of KEY_IDS) this.#checkHeld(id);
  }

  /** Until nothing waits any more. */
  async openAll(): Promise<void> {
    while (this.node.waiting > 0) {
      this.node.open(0, false);
      await settled();
    }
  }

  /** One look, to its end. */
  async look(): Promise<void> {
    this.node.look();
    await this.openAll();
  }

  #checkHeld(id: string): void {
    const view = this.node.held.held(id);
    if (view === undefined) return;
    this.hits += 1;
    this.#note(this.node.troubleWith(view, this.node.begin()));
  }

  #read(id: string): void {
    const begun = this.node.begin();
    const check = (view: Awaited<ReturnType<SimulatedNode["held"]["read"]>>) =>
      this.#note(view && this.node.troubleWith(view, begun));
    void this.node.held.read(id).then(check, () => {});
  }

  #readAgain(id: string): void {
    const { held } = this.node;
    const seen = held.held(id);
    if (seen === undefined) return;
    const begun = this.node.begin();
    const check = (view: typeof seen | undefined) => this.#note(view && this.node.troubleWith(view, begun));
    void held.readAgain(id, seen).then(check, () => {});
  }

  #note(trouble: string | undefined): void {
    if (trouble !== undefined) this.troubles.push(trouble);
  }
}

it("Nobody is told how a key was longer than a lease ago, or before this node changed it.", async () => {
  let hits = 0;
  const commands = fc.array(command, { minLength: 20, maxLength: 120 });
  const holds = fc.asyncProperty(fc.boolean(), commands, async (isBegun, commands) => {
    const run = new Run();
    if (isBegun) await run.look();
    for (const each of commands) {
      await run.do(each);
      expect(run.troubles).toEqual([]);
    }
    hits += run.hits;
    await recovers(run);
  });
  await fc.assert(holds, { numRuns: propertyRuns(1_000) });
  // The guarantee is not kept by remembering nothing.
  expect(hits).toBeGreaterThan(3_000);
});

/** Once the store answers and nobody writes, each key is held as it is, and no principal is left over. */
async function recovers(run: Run): Promise<void> {
  const { node } = run;
  node.finishWrites();
  await run.openAll();
  await run.look();
  node.stopwatch.pass(LEASE_MS);
  await run.look();
  for (const id of KEY_IDS) {
    const read = node.held.read(id);
    await settled();
    await run.openAll();
    expect(await read).toEqual(node.current(id));
    expect(node.held.held(id)).toEqual(node.current(id));
  }
  for (const keyId of KEY_IDS) node.held.forget({ keyId });
  expect(node.held.counts).toMatchObject({ size: 0, principals: 0 });
}
