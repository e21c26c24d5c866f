// The guarantees of cache/event-tail.ts, whatever comes between its reads: writers that draw numbers and fill
// them late, in another order or never, a feed that is cut, falls back and fails, and clocks that are set.
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, it } from "vitest";
import { BACKLOG_MAX, EventTail, MISSING_MS_MAX } from "../../src/cache/event-tail.ts";
import { type Moment, momentOf } from "../../src/lib/clock.ts";
import { isStoreUnavailable } from "../../src/store/errors.ts";
import { propertyRuns } from "../domain/build.ts";
import { handStopwatch } from "./hand-stopwatch.ts";
import { SimulatedFeed } from "./simulated-feed.ts";

/** A step that can come at any time. */
type Step =
  | { readonly kind: "draw" | "abandon" }
  | { readonly kind: "fill"; readonly which: number; readonly isVoid: boolean }
  | { readonly kind: "write" | "removeOld"; readonly count: number }
  | { readonly kind: "pass" | "wall"; readonly ms: number };
/** A look, and what comes before each of its reads and before each answer. */
interface Look {
  readonly kind: "look";
  readonly reads: readonly {
    readonly before: readonly Step[];
    readonly after: readonly Step[];
    readonly fails: boolean;
  }[];
}
interface Rare {
  readonly kind: "rare";
  readonly what: "backlog" | "fallBack";
}
type Command = Step | Look | Rare;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom("draw" as const, "draw" as const, "abandon" as const) }),
  fc.record({ kind: fc.constant("fill" as const), which: fc.nat(5), isVoid: fc.boolean() }),
  fc.record({ kind: fc.constant("write" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant("removeOld" as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(1, 200, 500, MISSING_MS_MAX) }),
  fc.record({ kind: fc.constant("wall" as const), ms: fc.integer({ min: -9_999, max: 9_999 }) }),
);
const steps = fc.array(step, { maxLength: 3 });
const read = fc.record({ before: steps, after: steps, fails: fc.nat(6).map((number) => number === 0) });
const look = fc.record({ kind: fc.constant("look" as const), reads: fc.array(read, { maxLength: 4 }) });
const rare = fc.record({
  kind: fc.constant("rare" as const),
  what: fc.constantFrom("backlog" as const, "fallBack" as const),
});
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: step },
  { weight: 6, arbitrary: look },
  { weight: 1, arbitrary: rare },
);

/** Numbers that were drawn at one moment, the moments counted from 0. */
interface Drawn {
  readonly from: number;
  readonly to: number;
  readonly at: number;
}
/** A change whose number is drawn. It has happened before that. */
interface Pending {
  number: number;
  readonly keyId: string;
}

class Model {
  readonly stopwatch = handStopwatch();
  readonly feed = new SimulatedFeed();
  readonly tail: EventTail;
  #drawn: Drawn[] = [];
  #pending: Pending[] = [];
  /** Changes that were answered: when, and when their number was drawn. */
  readonly #answered: { readonly keyId: string; readonly at: number; readonly drawnAt: number }[] = [];
  readonly #toldKeys = new Set<string>();
  readonly #toldNumbers = new Set<number>();
  #now = 0;
  #doubtedAt = -1;
  /** When each look was taken, oldest first. */
  readonly #looks: { readonly at: number; readonly moment: Moment }[] = [];
  heardAt: Moment | undefined;
  heardPosition = -1;

  constructor() {
    const { feed, stopwatch } = this;
    this.tail = new EventTail({
      feed,
      stopwatch,
      listener: {
        changed: (entries) => {
          this.#tick();
          for (const { number, keyId } of entries) {
            expect(this.#toldNumbers.has(number), `${number} is told twice`).toBe(false);
            this.#toldNumbers.add(number);
            if (keyId !== undefined) this.#toldKeys.add(keyId);
          }
        },
        doubted: () => {
          this.#doubtedAt = this.#tick();
        },
        heard: (position, sentAt) => this.#checkHeard(position, sentAt),
      },
    });
  }

  run(step: Step): void {
    if (step.kind === "draw") this.#draw();
    if (step.kind === "abandon") this.#pending.shift();
    if (step.kind === "fill") this.#fill(step.which, step.isVoid);
    if (step.kind === "write") for (let count = 0; count < step.count; count++) this.#write();
    if (step.kind === "removeOld") this.feed.removeOld(step.count);
    if (step.kind === "pass") this.stopwatch.pass(step.ms);
    if (step.kind === "wall") this.stopwatch.setWall(step.ms);
  }

  /** Numbers that nobody ever fills. */
  async backlog(): Promise<void> {
    const from = this.feed.head + 1;
    this.feed.head += BACKLOG_MAX + 1;
    this.#drawn.push({ from, to: this.feed.head, at: this.#tick() });
  }

  /** The store is put back behind what was heard, and looked at before it has caught up with it. */
  async fallBack(): Promise<void> {
    const { feed } = this;
    if (this.heardPosition < 1) return;
    feed.head = Math.floor(this.heardPosition / 2);
    for (const number of [...feed.entries.keys()]) if (number > feed.head) feed.entries.delete(number);
    this.#drawn = this.#drawn
      .filter(({ from }) => from <= feed.head)
      .map((drawn) => ({ ...drawn, to: Math.min(drawn.to, feed.head) }));
    for (const number of [...this.#toldNumbers]) if (number > feed.head) this.#toldNumbers.delete(number);
    this.#pending = [];
    await this.look([]);
  }

  async look(reads: Look["reads"]): Promise<void> {
    const run = (steps: readonly Step[]) => () => {
      for (const each of steps) this.run(each);
    };
    this.feed.interruptions = reads.map(({ before, after, fails }) => ({
      before: run(before),
      after: run(after),
      fails,
    }));
    this.#looks.push({ at: this.#tick(), moment: momentOf(this.stopwatch) });
    await this.tail.poll().catch((error: unknown) => {
      expect(isStoreUnavailable(error)).toBe(true);
    });
    this.feed.interruptions = [];
  }

  #tick(): number {
    return ++this.#now;
  }

  #draw(): Pending {
    const number = this.feed.draw();
    const at = this.#tick();
    this.#drawn.push({ from: number, to: number, at });
    const pending = { number, keyId: `key-${at}` };
    this.#pending.push(pending);
    return pending;
  }

  #fill(which: number, isVoid: boolean): void {
    const pending = this.#pending[which % Math.max(1, this.#pending.length)];
    if (pending === undefined) return;
    const { number, keyId } = pending;
    this.#pending = this.#pending.filter((each) => each !== pending);
    this.feed.insert(isVoid ? { number } : { number, keyId });
    const drawnAt = this.#drawn.find(({ from, to }) => from <= number && number <= to)?.at ?? -1;
    if (!isVoid) this.#answered.push({ keyId, at: this.#tick(), drawnAt });
  }

  #write(): void {
    this.#draw();
    this.#fill(this.#pending.length - 1, false);
  }

  #checkHeard(position: number, sentAt: Moment): void {
    this.#tick();
    const sent = this.#looks.find(({ moment }) => isDeepStrictEqual(moment, sentAt));
    expect(sent, "it counts from a look").toBeDefined();
    for (const { keyId, at, drawnAt } of this.#answered) {
      if (at > (sent?.at ?? 0)) continue;
      const isKnown = this.#toldKeys.has(keyId) || this.#doubtedAt > drawnAt;
      expect(isKnown, `${keyId} was answered before the question`).toBe(true);
    }
    for (const { from, to, at } of this.#drawn) {
      if (this.#doubtedAt > at) continue;
      for (let number = from; number <= Math.min(to, position); number++) {
        expect(this.#toldNumbers.has(number), `${number} is passed without a doubt`).toBe(true);
      }
    }
    this.heardAt = sentAt;
    this.heardPosition = position;
  }
}

it("What was answered before a look is told or doubted, as is each number; gaps end in time", async () => {
  const holds = fc.asyncProperty(fc.array(command, { maxLength: 80 }), async (commands) => {
    const model = new Model();
    for (const each of commands) {
      if (each.kind === "look") await model.look(each.reads);
      else if (each.kind === "rare") await model[each.what]();
      else model.run(each);
    }
    // From here on the store answers and nobody writes: whatever is missing is known to be by the first look.
    await model.look([]);
    model.stopwatch.pass(MISSING_MS_MAX);
    const last = momentOf(model.stopwatch);
    await model.look([]);
    expect([model.heardPosition, model.heardAt]).toEqual([model.feed.head, last]);
  });
  await fc.assert(holds, { numRuns: propertyRuns(1_000) });
});
