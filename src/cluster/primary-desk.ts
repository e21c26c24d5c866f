// The primary's side of the channels: tells all workers what the node's tail tells, and serves what each of
// them asks. It knows no processes: whoever has them joins and leaves them here.
import type { RateLimits } from "../app/limits/rate-limits.ts";
import type { FeedListener } from "../cache/feed-listener.ts";
import type { Changed } from "../cache/forgetting-store.ts";
import type { HeldKeysCounts } from "../cache/held-keys.ts";
import type { LimitedUse } from "../domain/grant/limit.ts";
import type { Clock, Moment } from "../lib/clock.ts";
import type { FeedEntry } from "../store/store.ts";
import type { After } from "./channel/elapse.ts";
import type { Member } from "./channel/member.ts";
import type { AskedUse, News, ToPrimary } from "./channel/messages.ts";
import { Confirmations } from "./confirmations.ts";
import { CountsSum } from "./counts-sum.ts";

export interface PrimaryDeskOptions {
  readonly leaseMs: number;
  readonly after: After;
  readonly clock: Clock;
  /** Those of the whole node. */
  readonly rates: Pick<RateLimits, "take">;
  /** Told of each change of this node, as soon as it is known. */
  readonly changed: () => void;
}

/** One worker's place at the desk. */
export interface DeskPlace {
  receive(message: ToPrimary): void;
  /** Its process has ended. */
  leave(): void;
}

export class PrimaryDesk implements FeedListener {
  readonly #options: PrimaryDeskOptions;
  readonly #confirmations: Confirmations;
  readonly #counts = new CountsSum<Member>();
  #lastHeard: News | undefined;

  constructor(options: PrimaryDeskOptions) {
    this.#options = options;
    this.#confirmations = new Confirmations(options.leaseMs, options.after);
  }

  get counts(): HeldKeysCounts {
    return this.#counts.sum;
  }

  open(member: Member): DeskPlace {
    let isGone = false;
    return {
      receive: (message) => {
        // The end of a process can be seen before all that it has sent.
        if (!isGone) this.#serve(member, message);
      },
      leave: () => {
        isGone = true;
        this.#confirmations.leave(member);
        this.#counts.leave(member);
      },
    };
  }

  changed(entries: readonly FeedEntry[]): void {
    this.#confirmations.tell({ kind: "changed", entries });
  }

  doubted(): void {
    this.#confirmations.tell({ kind: "doubted" });
  }

  heard(position: number, sentAt: Moment): void {
    this.#lastHeard = { kind: "heard", position, sentAt };
    this.#confirmations.tell(this.#lastHeard);
  }

  /** Has all workers forget, for a change that the primary or `asker` has made. */
  forget(changed: Changed, asker?: Member): Promise<void> {
    this.#options.changed();
    return this.#confirmations.forget(changed, asker);
  }

  #serve(member: Member, message: ToPrimary): void {
    switch (message.kind) {
      case "joined":
        this.#confirmations.join(member);
        // It reads from now on, so whatever was told before this lease and since is in what it reads.
        if (this.#lastHeard !== undefined) member.tell(this.#lastHeard);
        break;
      case "forget":
        void this.#forgetFor(member, message.id, message.changed);
        break;
      case "forgotten":
        this.#confirmations.acknowledge(member, message.id);
        break;
      case "take":
        member.answer({ kind: "taken", id: message.id, uses: this.#take(message.asked) });
        break;
      case "counts":
        this.#counts.tell(member, message.counts);
        break;
    }
  }

  async #forgetFor(asker: Member, id: number, changed: Changed): Promise<void> {
    await this.forget(changed, asker);
    asker.answer({ kind: "forgotten", id });
  }

  // By one clock: those of several workers would go back and forth, and each step forth would fill a bucket.
  #take(asked: readonly AskedUse[]): readonly LimitedUse[] {
    const { clock, rates } = this.#options;
    const now = clock();
    return asked.map(({ keyId, rateLimit }) => rates.take(keyId, rateLimit, now));
  }
}
