// node:sqlite's database with a fault to order: at a given step it fails as a broken disk or a lock would,
// or the whole process dies there. sqlite-crash.test.ts puts it in the place of the real one.
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Ending } from "./fuse.ts";

/** SQLite's code for an input or output error of the disk. */
const SQLITE_IOERR = 10;

let steps = 0;
let failsAt = Number.POSITIVE_INFINITY;
let staysBroken = false;
let ending: Ending = "is not sent";

/** From now on: the step with this number, from 1, fails; when `forGood`, all later ones too. */
export function failAtStep(step: number, how: Ending, forGood: boolean): void {
  [steps, failsAt, ending, staysBroken] = [0, step, how, forGood];
}

/** Repairs the disk. Returns whether the step that was to fail was reached. */
export function repair(): boolean {
  const wasReached = steps >= failsAt;
  [steps, failsAt] = [0, Number.POSITIVE_INFINITY];
  return wasReached;
}

function step<Result>(run: () => Result): Result {
  steps += 1;
  const fails = steps === failsAt || (steps > failsAt && staysBroken);
  if (!fails) return run();
  if (steps === failsAt && ending === "is done, but its answer is lost") run();
  throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: SQLITE_IOERR });
}

/** The one that was opened last. */
let latest: FaultyDatabase | undefined;

/** A setting of the connection that was opened last. */
export function readPragma(name: string): unknown {
  return latest?.readPragma(name);
}

/** Every statement that is run is a step. A lock is not waited for. */
export class FaultyDatabase extends DatabaseSync {
  constructor(path: string) {
    super(path, { timeout: 0 });
    latest = this;
  }

  readPragma(name: string): unknown {
    const [value] = Object.values(super.prepare(`PRAGMA ${name}`).get() ?? {});
    return value;
  }

  override prepare(sql: string): StatementSync {
    const statement = super.prepare(sql);
    return new Proxy(statement, {
      get: (_, property) => {
        const value: unknown = Reflect.get(statement, property);
        if (typeof value !== "function") return value;
        return (...values: unknown[]) => step(() => value.apply(statement, values));
      },
    });
  }
}
