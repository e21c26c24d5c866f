// Runs h2load and reads what it prints. It takes every answer of status 200 for a success, so what it counts
// is held against the size that a right answer has.
import { WrongAnswer } from "../row.ts";

export interface H2loadRun {
  readonly url: string;
  readonly isHttp1: boolean;
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyFile: string;
  readonly connections: number;
  readonly streams: number;
  readonly durationMs: number;
}

export interface H2loadResult {
  readonly answers: number;
  readonly perSecond: number;
}

const FAILURES = [/(\d+) failed,/, /(\d+) errored,/, /(\d+) timeout/, /(\d+) 3xx/, /(\d+) 4xx/, /(\d+) 5xx/];
/** Answers may differ in size by what a time is written with, and some are on their way at the end. */
const SIZE_SHARE_MAX = 0.05;
export function h2loadCommand(run: H2loadRun): readonly string[] {
  const { connections, streams, durationMs, headers } = run;
  return [
    "h2load",
    ...(run.isHttp1 ? ["--h1"] : []),
    ...["-c", String(connections), "-m", String(run.isHttp1 ? 1 : streams)],
    ...["-D", `${durationMs}ms`, "-d", run.bodyFile],
    ...headers.flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
    run.url,
  ];
}

/**
 * Answers in a second. Throws WrongAnswer unless all of them were answers, of the right size. It must have
 * run without a warm-up of its own: h2load counts some bytes over that, too, and others not.
 */
export function readH2load(output: string, run: H2loadRun, answerBytes: number): H2loadResult {
  const { connections, streams, isHttp1, durationMs } = run;
  const number = (pattern: RegExp) => {
    const [, digits] = pattern.exec(output) ?? [];
    if (digits === undefined) throw new Error(`h2load has printed something else:\n${output}`);
    return Number(digits);
  };
  const answers = number(/(\d+) done,/);
  const failed = FAILURES.reduce((sum, pattern) => sum + number(pattern), 0);
  if (failed > 0 || answers === 0) throw new WrongAnswer(`h2load saw calls fail:\n${output}`);
  const bytes = number(/\((\d+)\) data/);
  const open = connections * (isHttp1 ? 1 : streams);
  if (Math.abs(bytes - answers * answerBytes) > (answers * SIZE_SHARE_MAX + open) * answerBytes) {
    throw new WrongAnswer(`${answers} answers of ${answerBytes} bytes are not ${bytes} bytes:\n${output}`);
  }
  // On a busy machine it ends later than it was told to, and counts until then.
  const finishedMs = /finished in [\d.]+ms/.test(output)
    ? number(/finished in ([\d.]+)ms/)
    : number(/finished in ([\d.]+)s/) * 1_000;
  return { answers, perSecond: (answers / Math.max(finishedMs, durationMs)) * 1_000 };
}
