// The secrets of a run: what was issued, what is asked for again and again at the moment, and the recording
// of it all. Only here are the api_keys that a history names by number.
import type { Random } from "../fleet/random.ts";
import {
  type Ending,
  type EndingTarget,
  nameOf,
  type Recording,
  type SecretName,
} from "../history/history.ts";

/** A secret with its api_key. */
export interface HeldSecret extends SecretName {
  readonly apiKey: string;
  readonly principals: readonly string[];
}

/** How long a new secret is asked for; one whose end was answered, past the bound again. */
const FRESH_MS = 6_000;
const ENDED_PAST_BOUND_MS = 1_500;

type AnsweredBy = NonNullable<Ending["answered"]>;

interface Entry {
  readonly held: HeldSecret;
  until: number;
}

export class Board {
  readonly recording: Recording;
  readonly boundMs: number;
  readonly #all = new Map<string, HeldSecret>();
  #hot: Entry[] = [];

  constructor(recording: Recording, boundMs: number) {
    this.recording = recording;
    this.boundMs = boundMs;
  }

  get all(): Iterable<HeldSecret> {
    return this.#all.values();
  }

  issued(held: HeldSecret, sentAt: number): void {
    const { keyId, secret, principals } = held;
    const answeredAt = performance.now();
    this.recording.issues.push({ keyId, secret, principals, sentAt, answeredAt });
    this.#all.set(nameOf(held), held);
    this.#hot.push({ held, until: answeredAt + FRESH_MS });
  }

  /** Before it is sent, so that no answer is judged without it. Call what it gives when it was answered. */
  ends(ending: Omit<Ending, "answered">): (answered: AnsweredBy) => void {
    const { endings } = this.recording;
    const place = endings.push(ending) - 1;
    return (answered) => {
      endings[place] = { ...ending, answered };
      const until = answered.at + this.boundMs + ENDED_PAST_BOUND_MS;
      for (const entry of this.#hot) if (fits(entry.held, ending.target)) entry.until = until;
    };
  }

  /** Any of those that are asked for at the moment. */
  pick(random: Random): HeldSecret | undefined {
    for (;;) {
      const entry = random.pick(this.#hot);
      if (entry === undefined || entry.until > performance.now()) return entry?.held;
      this.#hot = this.#hot.filter((other) => other !== entry);
    }
  }
}

function fits(held: HeldSecret, target: EndingTarget): boolean {
  if ("principal" in target) return held.principals.includes(target.principal);
  const { keyId, secretsBefore = Number.POSITIVE_INFINITY } = target;
  return held.keyId === keyId && held.secret < secretsBefore;
}
