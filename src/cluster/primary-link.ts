// A worker's side of its channel: what the tail of the node tells becomes calls of a FeedListener here, and
// what only the primary can do is asked of it. Whatever it does not answer fails closed.
import type { FeedListener } from "../cache/feed-listener.ts";
import type { Changed } from "../cache/forgetting-store.ts";
import type { HeldKeysCounts } from "../cache/held-keys.ts";
import { unavailable } from "../domain/errors.ts";
import type { LimitedUse } from "../domain/grant/limit.ts";
import type { RateLimit } from "../domain/grant/rate-limit.ts";
import { type After, CLOCK_MARGIN_MS } from "./channel/elapse.ts";
import type { AskedUse, ToPrimary, ToWorker } from "./channel/messages.ts";
import { Pending } from "./channel/pending.ts";

const TAKE_MS_MAX = 1_000;
/** Uses that were asked for and not answered, also too late: so many lie in the channel at most. */
const USES_UNANSWERED_MAX = 10_000;
/** Beyond the lease, after which a primary that runs has answered in any case. */
const FORGET_EXTRA_MS = 5_000;

export interface PrimaryLinkOptions {
  readonly send: (message: ToPrimary) => void;
  readonly leaseMs: number;
  readonly after: After;
  /** Runs the job once all that has come over the network by now is looked at. */
  readonly soon: (job: () => void) => void;
}

/** What this process remembers. */
export interface Memory {
  readonly listener: FeedListener;
  readonly forget: (changed: Changed) => void;
}

interface Waiter {
  readonly asked: AskedUse;
  resolve(use: LimitedUse): void;
  reject(error: unknown): void;
}

export class PrimaryLink {
  readonly #options: PrimaryLinkOptions;
  readonly #forgets: Pending<void>;
  readonly #takes: Pending<readonly LimitedUse[]>;
  #batch: Waiter[] = [];
  #usesUnanswered = 0;
  #memory: Memory | undefined;
  #isLost = false;

  constructor(options: PrimaryLinkOptions) {
    this.#options = options;
    this.#forgets = new Pending(options.after, options.leaseMs + FORGET_EXTRA_MS, noAnswer);
    this.#takes = new Pending(options.after, TAKE_MS_MAX, noAnswer);
  }

  /** From now on the primary tells this process what to forget. Before, it has no lease. */
  join(memory: Memory): void {
    this.#memory = memory;
    this.#options.send({ kind: "joined" });
  }

  receive(message: ToWorker): void {
    switch (message.kind) {
      case "changed":
        this.#memory?.listener.changed(message.entries);
        break;
      case "doubted":
        this.#memory?.listener.doubted();
        break;
      case "heard":
        this.#memory?.listener.heard(message.position, message.sentAt);
        break;
      case "forget":
        this.#memory?.forget(message.changed);
        this.#options.send({ kind: "forgotten", id: message.id });
        break;
      case "forgotten":
        this.#forgets.settle(message.id);
        break;
      case "taken":
        this.#usesUnanswered -= message.uses.length;
        this.#takes.settle(message.id, message.uses);
        break;
    }
  }

  /**
   * Resolves when no process of the node answers any more from what it remembered of the record. While the
   * primary is stopped nobody can tell: it may have given others a lease after our message was sent and
   * before it is read. So the answer is waited for, and when it does not come in time this rejects with
   * `unavailable`: the change is stored, and whoever asked for it has to ask again.
   *
   * A primary that is gone gives no leases. Then the mere passing of time is an answer: `leaseMs` from now
   * on, whatever the others remember from before now is out of use, as Confirmations has it.
   */
  forget(changed: Changed): Promise<void> {
    const { promise, id } = this.#forgets.open();
    if (this.#isLost) this.#settleForgetsLater([id]);
    else this.#options.send({ kind: "forget", id, changed });
    return promise;
  }

  /** Counts one use against the rate limits of the node. Rejects with `unavailable` without an answer. */
  take(keyId: string, rateLimit: RateLimit): Promise<LimitedUse> {
    if (this.#isLost || this.#usesUnanswered >= USES_UNANSWERED_MAX) return Promise.reject(noAnswer());
    this.#usesUnanswered += 1;
    const { promise, resolve, reject } = Promise.withResolvers<LimitedUse>();
    if (this.#batch.length === 0) this.#options.soon(() => this.#sendBatch());
    this.#batch.push({ asked: { keyId, rateLimit }, resolve, reject });
    return promise;
  }

  tellCounts(counts: HeldKeysCounts): void {
    this.#options.send({ kind: "counts", counts });
  }

  /** The primary is gone. */
  lose(): void {
    this.#isLost = true;
    this.#takes.rejectAll();
    this.#settleForgetsLater(this.#forgets.ids);
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    const { promise, id } = this.#takes.open();
    this.#options.send({ kind: "take", id, asked: batch.map(({ asked }) => asked) });
    try {
      const uses = await promise;
      for (const [index, { resolve, reject }] of batch.entries()) {
        const use = uses[index];
        if (use === undefined) reject(noAnswer());
        else resolve(use);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  #settleForgetsLater(ids: readonly number[]): void {
    const { after, leaseMs } = this.#options;
    after(leaseMs + CLOCK_MARGIN_MS, () => {
      for (const id of ids) this.#forgets.settle(id);
    });
  }
}

function noAnswer(): Error {
  return unavailable("this node's primary process does not answer", "NODE_UNAVAILABLE");
}
