// Who has to forget before a change is answered, and when all of them have. A change is confirmed when no
// worker answers any more from what it remembered before. How a worker is reached is Member's.
import type { Changed } from "../cache/forgetting-store.ts";
import { type After, CLOCK_MARGIN_MS } from "./channel/elapse.ts";
import type { Member } from "./channel/member.ts";
import type { News } from "./channel/messages.ts";

interface Open {
  readonly owing: Set<Member>;
  readonly confirm: () => void;
}

/**
 * To prove: a call that any worker begins after the confirmation is never answered from a read that was sent
 * before the write. The asker has forgotten itself. It asks after its write, so of every other worker W:
 *
 * 1. W has acknowledged: what it held or was reading then is out of use, and it reads the change since.
 * 2. W has ended: its process, and not only its channel.
 * 3. Neither, in `leaseMs` since a time A, at which the primary was asked. What W can still use from before
 *    the write is either held under a lease or a read that is under way. A lease that was sent to W before A
 *    counts from a moment before A, by a clock that all processes of the machine share; and so does a read
 *    from before the write. Neither is good for longer than `leaseMs`. A lease that is sent after A comes
 *    behind the `forget` in the order of the channel, or, where Member has left that out, behind a `doubted`:
 *    whoever has it has forgotten.
 * 4. W has joined later: the `doubted` that it is told first puts out of use whatever it has read before.
 *
 * So a stopped worker delays a change by `leaseMs`. Leases go on being sent to a worker that owes an
 * acknowledgement: to withhold them would, under many changes, leave all workers without one.
 */
export class Confirmations {
  readonly #waitMs: number;
  readonly #after: After;
  readonly #members = new Set<Member>();
  readonly #open = new Map<number, Open>();
  #lastId = 0;

  constructor(leaseMs: number, after: After) {
    this.#waitMs = leaseMs + CLOCK_MARGIN_MS;
    this.#after = after;
  }

  /** From now on it is told everything. */
  join(member: Member): void {
    this.#members.add(member);
    member.tell({ kind: "doubted" });
  }

  /** Its process has ended. */
  leave(member: Member): void {
    this.#members.delete(member);
    for (const id of this.#open.keys()) this.acknowledge(member, id);
  }

  /** Tells all workers. */
  tell(news: News): void {
    for (const member of this.#members) member.tell(news);
  }

  /** Has all workers but the asker forget. Resolves when the change is confirmed; never rejects. */
  forget(changed: Changed, asker?: Member): Promise<void> {
    const owing = new Set(this.#members);
    if (asker !== undefined) owing.delete(asker);
    if (owing.size === 0) return Promise.resolve();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve) => {
      const confirm = () => {
        callOff();
        this.#open.delete(id);
        resolve();
      };
      const callOff = this.#after(this.#waitMs, confirm);
      this.#open.set(id, { owing, confirm });
      for (const member of owing) member.tell({ kind: "forget", id, changed });
    });
  }

  /** The worker has forgotten. */
  acknowledge(member: Member, id: number): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    open.owing.delete(member);
    if (open.owing.size === 0) open.confirm();
  }
}
