// Every cell of the matrix over real sockets, through gRPC and through JSON, and a part of it through curl:
// who may do what to which key. What lies outside a caller's bounds answers to the letter like what does not
// exist, and what was not granted has changed nothing.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventService } from "../../../gen/fleetkey/v1/event_service_pb.js";
import { KeyService } from "../../../gen/fleetkey/v1/key_service_pb.js";
import { type RunningService, runService } from "../../running-service.ts";
import type { Outcome, Rpc } from "../clients/client.ts";
import { curl } from "../clients/command-line.ts";
import { KINDS } from "./callers.ts";
import { COLUMNS, signOf } from "./columns.ts";
import { type CallerKind, COLUMN_NAMES, type ColumnName, MATRIX } from "./matrix.ts";
import { type MatrixClient, overGrpcJs, overJson } from "./matrix-client.ts";
import { asRoot, newWorld, type Resource, type World } from "./world.ts";

const FORMATS = JSON.stringify([{ name: "legacy", type: "service", pattern: "lk-[0-9-]{3,60}" }]);
/** The own one last: some calls end the caller with it. */
const ORDER = ["absent", "foreign", "own"] as const;
const CALLERS = Object.keys(MATRIX) as CallerKind[];

let service: RunningService;
beforeAll(async () => {
  service = await runService({ FLEETKEY_ENVIRONMENT: "prod", FLEETKEY_FOREIGN_FORMATS: FORMATS });
});
afterAll(() => service.stop());

it("has every rpc of the contract", () => {
  const rpcs = [...KeyService.methods, ...EventService.methods].map(({ name }) => name);
  expect([...new Set(COLUMN_NAMES.map((name) => COLUMNS[name].rpc))].toSorted()).toEqual(rpcs.toSorted());
});

it("has a cell for every caller in every column", () => {
  const cells = Object.values(MATRIX).map((row) => row.split(" ").length);
  expect(new Set(cells)).toEqual(new Set([COLUMN_NAMES.length]));
});

/** The record as the operator sees it. */
const recordOf = async (client: MatrixClient, { keyId }: Resource) =>
  (await asRoot(client, "Get", { keyId })).key;

/** What cells are asked about and with, until one of them has changed it. */
interface Stage {
  readonly world: World;
  readonly shown: Readonly<Record<string, string>>;
}

async function newStage(kind: CallerKind, operator: MatrixClient): Promise<Stage> {
  const { foreign, headers } = KINDS[kind];
  const world = await newWorld(operator, foreign);
  return { world, shown: await headers(operator, world) };
}

/** A caller's row, as far as these columns go. `operator` makes what is asked about. */
async function rowOf(
  kind: CallerKind,
  names: readonly ColumnName[],
  asker: MatrixClient,
  operator = asker,
): Promise<string> {
  const cells: string[] = [];
  let stage: Stage | undefined;
  for (const name of names) {
    stage ??= await newStage(kind, operator);
    const cell = await cellOf(name, stage, asker, operator);
    cells.push(cell);
    if (cell.includes("+") && COLUMNS[name].changes) stage = undefined;
  }
  return cells.join(" ");
}

/** Asks all three of a cell, and gives their signs. */
async function cellOf(
  name: ColumnName,
  { world, shown }: Stage,
  asker: MatrixClient,
  operator: MatrixClient,
): Promise<string> {
  const column = COLUMNS[name];
  const outcomes = new Map<string, Outcome>();
  const signs = new Map<string, string>();
  for (const which of ORDER) {
    const before = which === "absent" ? undefined : await recordOf(operator, world[which]);
    const outcome = await asker.call(column.rpc, column.ask(world[which]), shown);
    outcomes.set(which, outcome);
    signs.set(which, signOf(column, outcome));
    if (which === "absent" || signs.get(which) === "+") continue;
    expect(await recordOf(operator, world[which]), `${name}: what was not granted`).toEqual(before);
  }
  if (signs.get("foreign") !== "+") {
    const said = `${name}: what lies outside, and what is not there`;
    expect(outcomes.get("foreign"), said).toEqual(outcomes.get("absent"));
  }
  return `${signs.get("own")}${signs.get("foreign")}${signs.get("absent")}`;
}

describe.each([
  { title: "gRPC by grpc-js", open: overGrpcJs },
  { title: "Connect JSON over HTTP/1.1", open: overJson },
])("through $title", ({ open }) => {
  let client: MatrixClient;
  beforeAll(() => {
    client = open(service.url);
  });
  afterAll(() => client.close());

  it.each(CALLERS)("%s is answered as the table says", async (kind) => {
    expect(await rowOf(kind, COLUMN_NAMES, client)).toBe(MATRIX[kind]);
  });
});

describe("through curl", () => {
  const asked: readonly ColumnName[] = ["Refresh by api_key", "Get"];
  let operator: MatrixClient;
  let asker: MatrixClient;
  beforeAll(() => {
    const typed = curl(service.url, "--http1.1");
    operator = overJson(service.url);
    asker = { ...typed, call: (rpc, request, headers) => typed.call(rpc as Rpc, request, { headers }) };
  });
  afterAll(() => operator.close());

  it.each(CALLERS)(`%s is answered as the table says: ${asked.join(", ")}`, async (kind) => {
    const row = MATRIX[kind].split(" ");
    const cells = asked.map((name) => row[COLUMN_NAMES.indexOf(name)]);
    expect(await rowOf(kind, asked, asker, operator)).toBe(cells.join(" "));
  });
});
