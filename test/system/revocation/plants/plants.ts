// Bugs that the check of a history must find. Each breaks the promise of revocation in a way of its own; add
// one as data, with a text of the file that is there exactly once. What shows too rarely in a storm (a lease
// that counts from an answer, a confirmation left out) the models of test/cache and test/app show.
import type { Plant } from "./planted-bug.ts";

/** What a storm shows in seconds; the soonest first. */
export const PLAIN_PLANTS: readonly Plant[] = [
  {
    name: "a node hears of its own changes from the feed alone",
    file: "src/cache/forgetting-store.ts",
    find: "update: (next, event) => after({ keyId: next.keyId }, () => keys.update(next, event)),",
    replace: "update: (next, event) => keys.update(next, event),",
  },
  {
    name: "the lease does not end",
    file: "src/cache/lease.ts",
    find: "elapsedMs(this.#stopwatch, this.#since) < this.msMax",
    replace: "elapsedMs(this.#stopwatch, this.#since) >= 0",
  },
  {
    name: "a revocation counts three seconds later",
    file: "src/domain/lifecycle.ts",
    find: 'if (revocationOf(view) !== undefined) return "revoked";',
    replace: 'if (now - (revocationOf(view)?.time ?? now) > 3_000) return "revoked";',
  },
  {
    name: "the former secret outlives its Refresh by three seconds",
    file: "src/domain/key-changes.ts",
    find: "endTime: now + graceMs }]\n      : [];",
    replace: "endTime: now + graceMs }]\n      : [{ ...newest, endTime: now + 3_000 }];",
  },
  {
    name: "one change in five is answered and not written",
    file: "src/app/target/change-key.ts",
    find: "const outcome = await keys.update(next, event);",
    replace: 'const outcome = Math.random() < 0.2 ? "written" : await keys.update(next, event);',
  },
  {
    name: "the end of a principal reaches no key that is held",
    file: "src/cache/held-keys.ts",
    find: "if (carried !== undefined) carried.isChanged = true;",
    replace: "",
  },
];

/** What it shows when the right things meet, on a busy machine after minutes. */
export const RARE_PLANTS: readonly Plant[] = [
  {
    name: "the tail skips one event in ten",
    file: "src/cache/event-tail.ts",
    find: "if (news.length > 0) this.#options.listener.changed(news);",
    replace: "this.#options.listener.changed(news.filter(({ number }) => number % 10 !== 0));",
  },
  {
    name: "what was read is kept although its change was told meanwhile",
    file: "src/cache/held-keys.ts",
    find: "if (this.#flights.get(keyId) !== flight) this.#counts.discarded += 1;\n      else if",
    replace: "if",
  },
];
