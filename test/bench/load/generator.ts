// The program of the generator: reads a task from its standard input, makes the calls, writes the outcome to
// its standard output.
import { text } from "node:stream/consumers";
import { makeHttp1Calls } from "./http1-calls.ts";
import { sendStreams } from "./stream-calls.ts";
import { Tally } from "./tally.ts";
import type { Task } from "./task.ts";
import { makeUnaryCalls } from "./unary-calls.ts";

function fail(error: Error): void {
  process.stderr.write(`the load generator has failed: ${error.message}\n`);
  process.exit(1);
}

const task: Task = JSON.parse(await text(process.stdin));
const tally = new Tally(task);
if (task.wire === "json-http1") makeHttp1Calls(task, tally, fail);
else if (task.isStream) await sendStreams(task, tally, fail);
else await makeUnaryCalls(task, tally, fail);
process.stdout.write(`${JSON.stringify(await tally.done)}\n`, () => process.exit(0));
