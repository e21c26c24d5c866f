// The servers of a row, started and probed, and what each is about to get.
import type { Applied } from "../calls/apply-load.ts";
import { type Probe, probe } from "../calls/probe.ts";
import { requestForm, type Target } from "../calls/requests.ts";
import {
  type Entry,
  type KeyCount,
  type Line,
  type Load,
  NotMeasured,
  type Row,
  type ServerSpec,
  WrongAnswer,
} from "../row.ts";
import { credentialFor, hasCache, type RunningFleetkey, startFleetkey } from "../servers/fleetkey.ts";
import { startPeer } from "../servers/peers.ts";
import type { ServerProcess } from "../servers/processes.ts";
import type { World } from "../world.ts";

const BATCH = 100;

/** An entry that runs. */
export interface Contender {
  readonly entry: Entry;
  readonly server: ServerProcess;
  readonly applied: Applied;
  readonly beside?: Applied;
  readonly probe: Probe;
  readonly usesManyKeys: boolean;
  readonly residentBefore: number;
  readonly note?: string;
  /** The texts that the next round begins with. */
  next: number;
  besideNext: number;
  readonly besideRates: number[];
  /** Of the time of each round. */
  readonly busyShares: number[];
}

export interface Lineup {
  readonly contenders: readonly Contender[];
  /** Lines of entries that cannot be measured here. */
  readonly missing: readonly Line[];
  stop(): Promise<void>;
}

interface Started {
  readonly process: ServerProcess;
  readonly url: string;
  readonly sidecarUrl?: string;
}

/** Entries that name the same server share it. */
export async function enlist(world: World, { name, entries }: Row): Promise<Lineup> {
  const servers = new Map<string, Promise<Started>>();
  const stop = async () => {
    const started = await Promise.allSettled(servers.values());
    await Promise.all(
      started.map((one) => (one.status === "fulfilled" ? one.value.process.stop() : undefined)),
    );
  };
  const contenders: Contender[] = [];
  const missing: Line[] = [];
  try {
    for (const entry of entries) {
      const key = JSON.stringify({ ...entry.server, listener: undefined });
      const starting = servers.get(key) ?? start(world, entry);
      servers.set(key, starting);
      try {
        contenders.push(await contender(world, entry, await starting));
      } catch (error) {
        if (error instanceof WrongAnswer) throw new WrongAnswer(`${name}, ${entry.label}: ${error.message}`);
        if (!(error instanceof NotMeasured)) throw error;
        const note = `not measured: ${error.message}`;
        missing.push({ row: name, label: entry.label, unit: "", rounds: [], ratios: [], note });
      }
    }
    return { contenders, missing, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function start(world: World, { server, load }: Entry): Promise<Started> {
  if (server.kind === "peer") return startPeer(world, server);
  return startFleetkey(world, server, { usesManyKeys: usesManyKeys(load) });
}

function usesManyKeys({ draw, of }: Load): boolean {
  return draw !== "one" && of === "stored";
}

async function contender(world: World, entry: Entry, started: Started): Promise<Contender> {
  const { server, load } = entry;
  const target = await targetOf(world, server, load, started);
  const { applied, probe: asked } = await prepare(world, load, target, keysOf(server));
  const beside = entry.beside && (await prepare(world, entry.beside, target, keysOf(server)));
  const needsCache = server.kind === "fleetkey" && server.cacheKeys !== undefined && !hasCache;
  return {
    entry,
    server: started.process,
    applied,
    beside: beside?.applied,
    probe: asked,
    usesManyKeys: usesManyKeys(load),
    residentBefore: started.process.residentBytes(),
    note: needsCache ? "this Fleetkey has no cache" : undefined,
    ...{ next: 0, besideNext: 0, besideRates: [], busyShares: [] },
  };
}

async function targetOf(world: World, server: ServerSpec, load: Load, started: Started): Promise<Target> {
  // Peers know no callers: what that costs is Fleetkey's alone.
  if (server.kind === "peer") return { url: started.url };
  const isSidecar = server.listener === "sidecar";
  const url = isSidecar ? (started as RunningFleetkey).sidecarUrl : started.url;
  return { url, credential: await credentialFor(world, server, load) };
}

/** The load for this target, after a probe that tells how long an answer is. */
export async function prepare(
  world: World,
  load: Load,
  target: Target,
  keys: KeyCount,
): Promise<{ readonly applied: Applied; readonly probe: Probe }> {
  const { apiKeys, verifier } = await world.stored(keys);
  const isOne = load.draw === "one" && load.of === "stored";
  const texts = isOne ? undefined : await world.texts(load.of, keys);
  const text = texts?.first ?? apiKeys[0] ?? "";
  const batch = apiKeys.slice(0, BATCH);
  const form = requestForm(load, target, batch);
  const asked = { target, load, form, text, batch, verifier };
  const answerBytes = await probe(asked);
  const orderFile = load.draw === "zipf" ? await world.zipfOrderFile(keys) : undefined;
  return { applied: { load, target, form, text, texts, orderFile, answerBytes }, probe: asked };
}

function keysOf(server: ServerSpec): KeyCount {
  return server.kind === "fleetkey" ? server.keys : "few";
}
