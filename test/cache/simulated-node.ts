// A node that remembers keys, on a store and a feed that answer when they are told to, beside writers that
// can stop between any two of their steps. It knows which version of what was answered when.
import { EventTail } from "../../src/cache/event-tail.ts";
import { HeldKeys } from "../../src/cache/held-keys.ts";
import { Lease } from "../../src/cache/lease.ts";
import type { KeyRecord } from "../../src/domain/key.ts";
import type { PrincipalRecord } from "../../src/domain/principal.ts";
import type { KeyView } from "../../src/domain/verdict.ts";
import { storeUnavailable } from "../../src/store/errors.ts";
import type { FeedReader } from "../../src/store/store.ts";
import { buildView } from "../domain/build.ts";
import { keyAt } from "../store/build.ts";
import { handStopwatch } from "./hand-stopwatch.ts";
import { SimulatedFeed } from "./simulated-feed.ts";

export const LEASE_MS = 2_000;
/** What the keys carry. */
const CARRIED: readonly (readonly string[])[] = [[], ["p0"], ["p0", "p1"]];
export const KEY_IDS = CARRIED.map((_, index) => keyAt(index).keyId);
export const PRINCIPAL_IDS = ["p0", "p1"];

/** A write whose writer has not come to its end. */
interface Writing {
  readonly id: string;
  readonly version: number;
  readonly isOwn: boolean;
  number?: number;
}
/** A version of a key or principal that is there, and the write of which was answered. */
interface Answered {
  readonly id: string;
  readonly version: number;
  readonly isOwn: boolean;
  /** By the monotonic clock, and in the order of all that happens. */
  readonly at: number;
  readonly order: number;
}

/** When a call began. */
export interface Beginning {
  readonly at: number;
  readonly order: number;
}

export class SimulatedNode {
  readonly stopwatch = handStopwatch();
  readonly held: HeldKeys;
  readonly #feed = new SimulatedFeed();
  readonly #tail: EventTail;
  /** What waits for its way to the store, or back. */
  readonly #gates: PromiseWithResolvers<void>[] = [];
  readonly #versions = new Map<string, number>();
  #writings: Writing[] = [];
  readonly #left: string[] = [];
  readonly #answered: Answered[] = [];
  #order = 0;
  #isLooking = false;

  constructor() {
    const { stopwatch } = this;
    const lease = new Lease(stopwatch, LEASE_MS);
    this.held = new HeldKeys({
      entriesMax: 2,
      ageMsMax: 3 * LEASE_MS,
      lease,
      stopwatch,
      readStored: (keyId) => this.#readStored(keyId),
    });
    this.#tail = new EventTail({
      feed: this.#gatedFeed(),
      stopwatch,
      listener: {
        changed: (entries) => {
          for (const entry of entries) this.held.forget(entry);
        },
        doubted: () => this.held.forgetAll(),
        heard: (_, sentAt) => lease.renew(sentAt),
      },
    });
  }

  begin(): Beginning {
    return { at: this.stopwatch.monotonic(), order: ++this.#order };
  }

  /** Changes the store. What its writer does then is `goOn`'s. */
  write(id: string, isOwn: boolean): void {
    const version = this.#versionOf(id) + 1;
    this.#versions.set(id, version);
    this.#writings.push({ id, version, isOwn });
  }

  /** The next step of a writer: it draws a number, or fills it, and is answered. */
  goOn(which: number): void {
    const writing = this.#writings[which % Math.max(1, this.#writings.length)];
    if (writing === undefined) return;
    if (writing.number === undefined) {
      writing.number = this.#feed.draw();
      return;
    }
    const { id, version, isOwn, number } = writing;
    this.#feed.insert({ number, ...changedBy(id) });
    this.#forgetOwn(writing);
    this.#writings = this.#writings.filter((each) => each !== writing);
    this.#answered.push({ id, version, isOwn, ...this.begin() });
  }

  /** The same from its start to its answer. */
  writeAll(id: string, isOwn: boolean): void {
    this.write(id, isOwn);
    const writing = this.#writings.length - 1;
    this.goOn(writing);
    this.goOn(writing);
  }

  /** A writer is cut off: nobody is answered. What it wrote stays, and so does the number that it drew. */
  die(which: number): void {
    const writing = this.#writings[which % Math.max(1, this.#writings.length)];
    if (writing === undefined) return;
    this.#forgetOwn(writing);
    this.#writings = this.#writings.filter((each) => each !== writing);
    this.#left.push(writing.id);
  }

  /** All writers come to their end, and a sweeper tells of what was left by those that died. */
  finishWrites(): void {
    while (this.#writings.length > 0) this.goOn(0);
    for (const id of this.#left.splice(0)) this.#feed.insert({ number: this.#feed.draw(), ...changedBy(id) });
  }

  /** Looks at the feed, unless it does. */
  look(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#tail
      .poll()
      .catch(() => {})
      .finally(() => {
        this.#isLooking = false;
      });
  }

  /** Lets one message to the store or back through, or loses it. */
  open(which: number, isLost: boolean): void {
    const [gate] = this.#gates.splice(which % Math.max(1, this.#gates.length), 1);
    if (isLost) gate?.reject(storeUnavailable(new Error("no answer")));
    else gate?.resolve();
  }

  get waiting(): number {
    return this.#gates.length;
  }

  /** What is wrong with an answer to a call that began then; undefined: nothing. */
  troubleWith(view: KeyView, { at, order }: Beginning): string | undefined {
    const shown = new Map<string, number>([[view.key.keyId, view.key.revision]]);
    for (const { principalId } of view.key.epochs) {
      shown.set(principalId, view.principals.get(principalId)?.epoch ?? 0);
    }
    const missed = this.#answered.find((each) => {
      if (each.order > order || each.version <= (shown.get(each.id) ?? each.version)) return false;
      return each.isOwn || at - each.at >= LEASE_MS;
    });
    return missed && `${missed.isOwn ? "own" : "old"} version ${missed.version} of ${missed.id} is missed`;
  }

  /** The key as it is. */
  current(keyId: string): KeyView {
    const carried = CARRIED[KEY_IDS.indexOf(keyId)] ?? [];
    const epochs = carried.map((principalId) => ({ principalId, epoch: 0 }));
    const key: KeyRecord = keyAt(KEY_IDS.indexOf(keyId), { revision: this.#versionOf(keyId), epochs });
    return buildView(
      key,
      carried.map((principalId) => this.#principal(principalId)),
    );
  }

  #versionOf(id: string): number {
    return this.#versions.get(id) ?? 0;
  }

  #principal(principalId: string): PrincipalRecord {
    return { principalId, owner: {}, epoch: this.#versionOf(principalId), raises: [], revision: 1 };
  }

  #forgetOwn({ id, isOwn }: Writing): void {
    if (isOwn) this.held.forget(changedBy(id));
  }

  async #readStored(keyId: string): Promise<KeyView> {
    const { key } = await this.#asked(() => this.current(keyId));
    if (key.epochs.length === 0) return buildView(key);
    const { principals } = await this.#asked(() => this.current(keyId));
    return { key, principals };
  }

  async #asked<Answer>(look: () => Answer): Promise<Answer> {
    await this.#gate();
    const answer = look();
    await this.#gate();
    return answer;
  }

  #gate(): Promise<void> {
    const gate = Promise.withResolvers<void>();
    this.#gates.push(gate);
    return gate.promise;
  }

  #gatedFeed(): FeedReader {
    const feed = this.#feed;
    const asked = async <Answer>(look: () => Promise<Answer>): Promise<Answer> =>
      (await this.#asked(look)) as Answer;
    return {
      readHead: () => asked(() => feed.readHead()),
      readAfter: (after, limit) => asked(() => feed.readAfter(after, limit)),
      readNumbers: (numbers) => asked(() => feed.readNumbers(numbers)),
    };
  }
}

function changedBy(id: string) {
  return PRINCIPAL_IDS.includes(id) ? { principalId: id } : { keyId: id };
}
