// What the listener turns away before there is a call to log: counted, and told at most once a second, so
// that a flood of it is no flood of log lines.

/** Why. The texts are the log's. */
export type Refusal = "too many connections" | "client certificate";

export interface RefusalReport {
  readonly refused: Refusal;
  /** Since the report before. */
  readonly count: number;
  /** The last one's reason, when there is one to tell. */
  readonly detail: string | undefined;
}

const REPORT_PAUSE_MS = 1_000;

export class Refusals {
  readonly #report: (report: RefusalReport) => void;
  readonly #pauseMs: number;
  readonly #waiting = new Map<Refusal, { count: number; detail: string | undefined }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (report: RefusalReport) => void, pauseMs = REPORT_PAUSE_MS) {
    this.#report = report;
    this.#pauseMs = pauseMs;
  }

  /** The first one is told at once; those that come soon after it, together and later. */
  count(refused: Refusal, detail?: string): void {
    const { count = 0 } = this.#waiting.get(refused) ?? {};
    this.#waiting.set(refused, { count: count + 1, detail });
    if (this.#timer === undefined) this.#tell();
  }

  #tell(): void {
    this.#timer = undefined;
    if (this.#waiting.size === 0) return;
    for (const [refused, { count, detail }] of this.#waiting) this.#report({ refused, count, detail });
    this.#waiting.clear();
    this.#timer = setTimeout(() => this.#tell(), this.#pauseMs).unref();
  }
}
