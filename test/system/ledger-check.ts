// Holds a service against a ledger of acknowledged changes: each is in the record of events exactly once, and
// every key answers as its events say. A change that was sent and not answered may be there or not, but whole
// either way.
import { EventKind } from "../../gen/fleetkey/v1/event_pb.js";
import { allEvents, allKeys, type Client, verdictOn } from "./client.ts";
import type { Ledger, LedgerKey } from "./workload.ts";

const CONCURRENCY = 8;

/** How often each kind of event is recorded of each key and each user. */
class Recorded {
  readonly #counts = new Map<string, number>();

  add(subject: string, kind: EventKind): void {
    this.#counts.set(`${subject} ${kind}`, this.of(subject, kind) + 1);
  }

  of(subject: string, kind: EventKind): number {
    return this.#counts.get(`${subject} ${kind}`) ?? 0;
  }
}

/** What is wrong, as sentences; empty when nothing is. */
export async function troublesWith(client: Client, ledgers: readonly Ledger[]): Promise<readonly string[]> {
  const troubles: string[] = [];
  const recorded = await readEvents(client, troubles);
  for (const { keyId } of await allKeys(client)) {
    const created = recorded.of(keyId, EventKind.KEY_CREATED);
    if (created !== 1) troubles.push(`${keyId} is there and was created ${created} times`);
  }
  for (const { userId, raises, isRaiseUnanswered } of ledgers.flatMap(({ users }) => users)) {
    const found = recorded.of(userId, EventKind.PRINCIPAL_REVOKED);
    expectCount(troubles, `${userId} revoked`, found, raises, isRaiseUnanswered);
  }
  const keys = ledgers.flatMap((ledger) => ledger.keys);
  const pending = [...keys];
  const check = async () => {
    for (let key = pending.pop(); key !== undefined; key = pending.pop()) {
      await checkKey(client, key, recorded, troubles);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, check));
  return troubles;
}

async function readEvents(client: Client, troubles: string[]): Promise<Recorded> {
  const recorded = new Recorded();
  const eventIds = new Set<string>();
  for (const { eventId, keyId, userId, kind } of await allEvents(client)) {
    if (eventIds.has(eventId)) troubles.push(`event ${eventId} is listed twice`);
    eventIds.add(eventId);
    recorded.add(kind === EventKind.PRINCIPAL_REVOKED ? userId : keyId, kind);
  }
  return recorded;
}

function expectCount(
  troubles: string[],
  what: string,
  found: number,
  told: number,
  mayBeOneMore: boolean,
): void {
  if (found === told || (mayBeOneMore && found === told + 1)) return;
  troubles.push(`${what}: acknowledged ${told} times, recorded ${found} times`);
}

async function checkKey(
  client: Client,
  key: LedgerKey,
  recorded: Recorded,
  troubles: string[],
): Promise<void> {
  const { keyId, userId, apiKeys, unanswered } = key;
  const created = recorded.of(keyId, EventKind.KEY_CREATED);
  const refreshed = recorded.of(keyId, EventKind.KEY_REFRESHED);
  const revoked = recorded.of(keyId, EventKind.KEY_REVOKED);
  const raised = recorded.of(userId, EventKind.PRINCIPAL_REVOKED);
  expectCount(troubles, `${keyId} created`, created, 1, false);
  expectCount(troubles, `${keyId} refreshed`, refreshed, apiKeys.length - 1, unanswered === "refresh");
  expectCount(troubles, `${keyId} revoked`, revoked, Number(key.isRevoked), unanswered === "revoke");
  const isDead = revoked > 0 || raised > key.raisesBefore;
  for (const [generation, apiKey] of apiKeys.entries()) {
    // The newest secret may be one whose answer was lost; then none of the known ones is right any more.
    const expected = generation !== refreshed ? "UNKNOWN" : isDead ? "REVOKED" : "VALID";
    const verdict = await verdictOn(client, apiKey);
    if (verdict === expected) continue;
    troubles.push(`${keyId}, generation ${generation + 1}: Verify says ${verdict} instead of ${expected}`);
  }
}
