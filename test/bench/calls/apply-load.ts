// Puts a load on a server: by h2load where every request is the same, else and without h2load by the
// generator of load/, in a process of its own on the core of the load.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { h2loadCommand, readH2load } from "../load/h2load.ts";
import type { Outcome, Task } from "../load/task.ts";
import { type Load, WrongAnswer } from "../row.ts";
import { LOAD_CORE, pinned, runToEnd } from "../servers/processes.ts";
import type { World } from "../world.ts";
import type { RequestForm, Target } from "./requests.ts";

const GENERATOR = join(import.meta.dirname, "../load/generator.ts");

export interface Applied {
  readonly load: Load;
  readonly target: Target;
  readonly form: RequestForm;
  /** The request's text where all are the same, and any of the texts of others. */
  readonly text: string;
  readonly texts?: Task["texts"];
  readonly orderFile?: string;
  /** Bytes of data in an answer. */
  readonly answerBytes: number;
}

export interface LoadTime {
  readonly warmUpMs: number;
  readonly durationMs: number;
  /** The first of the texts. */
  readonly start?: number;
  /** Calls in a second; without it as many as the server answers. */
  readonly rate?: number;
  /** In place of the duration. */
  readonly callsMax?: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly calls: number;
  readonly latencyMs?: Outcome["latencyMs"];
  readonly generator: "h2load" | "own";
}

/** Throws WrongAnswer when one answer is not what the row says. */
export async function applyLoad(world: World, applied: Applied, time: LoadTime): Promise<LoadResult> {
  const { load } = applied;
  const isFixed = load.draw === "one" && load.call !== "VerifyStream";
  const isFree = time.rate === undefined && time.callsMax === undefined;
  return isFixed && isFree && world.tools.h2load !== undefined
    ? byH2load(world, applied, time)
    : byGenerator(applied, time);
}

async function byH2load(world: World, applied: Applied, time: LoadTime): Promise<LoadResult> {
  const { load, target, form, answerBytes } = applied;
  const body = form.body(applied.text);
  const bodyFile = join(world.folder, `body-${createHash("sha256").update(body).digest("hex").slice(0, 16)}`);
  writeFileSync(bodyFile, body);
  const run = {
    ...{ url: new URL(form.path, target.url).href, isHttp1: load.wire === "json-http1", bodyFile },
    ...{ headers: form.headers, connections: load.connections, streams: load.streams },
  };
  const runFor = async (durationMs: number) => {
    const timed = { ...run, durationMs };
    return readH2load(await runToEnd(pinned(LOAD_CORE, h2loadCommand(timed)), ""), timed, answerBytes);
  };
  if (time.warmUpMs > 0) await runFor(time.warmUpMs);
  const { answers, perSecond } = await runFor(time.durationMs);
  return { perSecond: perSecond * (load.unitsEach ?? 1), calls: answers, generator: "h2load" };
}

async function byGenerator(applied: Applied, time: LoadTime): Promise<LoadResult> {
  const { load } = applied;
  const output = await runToEnd(
    pinned(LOAD_CORE, [process.execPath, GENERATOR]),
    JSON.stringify(taskOf(applied, time)),
  );
  const outcome: Outcome = JSON.parse(output);
  if (outcome.wrong > 0 || outcome.answers === 0) {
    throw new WrongAnswer(
      `${load.call} of ${load.of} keys: ${outcome.wrong} of ${outcome.calls} answers are wrong or missing` +
        (outcome.wrongExample === undefined ? "" : `; one begins ${outcome.wrongExample}`),
    );
  }
  const perSecond = (outcome.answers / outcome.seconds) * (load.unitsEach ?? 1);
  return { perSecond, calls: outcome.calls, latencyMs: outcome.latencyMs, generator: "own" };
}

// The body around a text: where the text is in it is found by looking for it.
function taskOf(applied: Applied, { start = 0, ...time }: LoadTime): Task {
  const { load, target, form, text, texts, orderFile } = applied;
  const body = form.body(text);
  const textAt = texts === undefined ? body.length : body.indexOf(text, 0, "latin1");
  const behind = texts === undefined ? body.length : textAt + texts.width;
  return {
    ...{ url: target.url, wire: load.wire, isStream: load.call === "VerifyStream", ...time, start },
    ...{ path: form.path, headers: form.headers, expects: form.expects, texts, orderFile },
    prefixHex: body.subarray(0, textAt).toString("hex"),
    suffixHex: body.subarray(behind).toString("hex"),
    ...{ connections: load.connections, streams: load.streams },
  };
}
