// What lies between nodes and their store: each call is held until a test decides what becomes of it. So a
// test brings about every order of writes and answers, and every kind of doubt, without waiting.
import { storeUnavailable } from "../../../src/store/errors.ts";
import type { QuotaStore } from "../../../src/store/store.ts";

/** What becomes of a call. After the last two it is held on, until its answer or its write comes too late. */
export const FATES = [
  "written and answered",
  "not written, and failed",
  "written, and failed",
  "written, and answered later",
  "failed, and written later",
] as const;
export type Fate = (typeof FATES)[number];

interface Call {
  write(): Promise<unknown>;
  answer(result: unknown): void;
  fail(): void;
  /** What the store answered, when it has and the node does not know. */
  written?: { readonly result: unknown };
  isFailed: boolean;
}

export class Network {
  readonly #held: Call[] = [];

  /** Calls that wait to be decided. */
  get size(): number {
    return this.#held.length;
  }

  /** The store as one node reaches it. What comes after its death is not heard of, by whomever. */
  linkTo(quotas: QuotaStore, isAlive: () => boolean): QuotaStore {
    const hold = <Result>(write: () => Promise<Result>) =>
      new Promise<Result>((resolve, reject) => {
        if (!isAlive()) return;
        this.#held.push({
          write,
          answer: (result) => isAlive() && resolve(result as Result),
          fail: () => isAlive() && reject(storeUnavailable(new Error("the connection is lost"))),
          isFailed: false,
        });
      });
    return {
      grant: (...call) => hold(() => quotas.grant(...call)),
      giveBack: (...call) => hold(() => quotas.giveBack(...call)),
      removeEnded: (...call) => hold(() => quotas.removeEnded(...call)),
      remove: (...call) => hold(() => quotas.remove(...call)),
    };
  }

  /** Decides a call; `pick` chooses among those that are held. */
  async decide(pick: number, fate: Fate): Promise<void> {
    const [call] = this.#held.splice(pick % Math.max(1, this.#held.length), 1);
    if (call === undefined) return;
    if (call.written !== undefined) call.answer(call.written.result);
    else if (call.isFailed) await call.write();
    else await this.#carry(call, fate);
  }

  async #carry(call: Call, fate: Fate): Promise<void> {
    if (fate === "written and answered") call.answer(await call.write());
    if (fate === "written, and failed") await call.write();
    if (fate === "written, and answered later") {
      call.written = { result: await call.write() };
      this.#held.push(call);
    }
    if (fate === "failed, and written later") {
      call.isFailed = true;
      this.#held.push(call);
    }
    if (fate.includes("failed")) call.fail();
  }
}
