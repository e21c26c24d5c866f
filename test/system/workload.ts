// Changes of many keys by many callers at once, and a ledger of what was acknowledged: what must be there
// whatever happens to the process afterwards. Each user and its keys belong to one worker, so at most one
// change of a key is unanswered when the process dies.
import { type Client, createUserKey } from "./client.ts";

type Change = "refresh" | "revoke";

/** A key whose creation was acknowledged. */
export interface LedgerKey {
  readonly keyId: string;
  readonly userId: string;
  /** By generation, as far as they were told. */
  readonly apiKeys: string[];
  /** How often the user had been revoked when the key was created. */
  readonly raisesBefore: number;
  isRevoked: boolean;
  /** Sent, and not answered. */
  unanswered?: Change;
}

export interface LedgerUser {
  readonly userId: string;
  raises: number;
  isRaiseUnanswered: boolean;
}

export interface Ledger {
  readonly keys: LedgerKey[];
  readonly users: LedgerUser[];
  /** How many changes were acknowledged. */
  count: number;
}

/**
 * Changes keys until a call fails, in `workers` lines at once. `acknowledged` is called after each change
 * that was answered. Gives the ledger and what the calls failed with.
 */
export async function runUntilFailure(
  client: Client,
  options: {
    readonly name: string;
    readonly workers: number;
    readonly acknowledged: (count: number) => void;
  },
): Promise<{ readonly ledger: Ledger; readonly failures: readonly unknown[] }> {
  const ledger: Ledger = { keys: [], users: [], count: 0 };
  const acknowledge = () => {
    ledger.count += 1;
    options.acknowledged(ledger.count);
  };
  const work = async (worker: number): Promise<never> => {
    for (let index = 0; ; index++) {
      const user = { userId: `${options.name}-${worker}-${index}`, raises: 0, isRaiseUnanswered: false };
      ledger.users.push(user);
      await lifeOf(user, new LedgerClient(client, ledger, acknowledge));
    }
  };
  const lines = Array.from({ length: options.workers }, (_, worker) => work(worker));
  const ends = await Promise.allSettled(lines);
  const failures = ends.map((end) => (end.status === "rejected" ? end.reason : undefined));
  return { ledger, failures };
}

/** Everything that can happen to keys of one user, also after all of them were revoked. */
async function lifeOf(user: LedgerUser, client: LedgerClient): Promise<void> {
  const refreshed = await client.create(user);
  const revoked = await client.create(user);
  const kept = await client.create(user);
  await client.refresh(refreshed);
  await client.revoke(revoked);
  if (user.userId.endsWith("0")) await client.refresh(kept);
  else await client.revokeAll(user);
  const later = await client.create(user);
  await client.refresh(later);
  await client.refresh(later);
}

/** Notes a change as unanswered before it is sent, and as done when it is answered. */
class LedgerClient {
  readonly #client: Client;
  readonly #ledger: Ledger;
  readonly #acknowledge: () => void;

  constructor(client: Client, ledger: Ledger, acknowledge: () => void) {
    this.#client = client;
    this.#ledger = ledger;
    this.#acknowledge = acknowledge;
  }

  async create({ userId, raises }: LedgerUser): Promise<LedgerKey> {
    const { apiKey, key } = await createUserKey(this.#client, userId);
    const keyId = key?.keyId ?? "";
    const created: LedgerKey = { keyId, userId, apiKeys: [apiKey], raisesBefore: raises, isRevoked: false };
    this.#ledger.keys.push(created);
    this.#acknowledge();
    return created;
  }

  async refresh(key: LedgerKey): Promise<void> {
    key.unanswered = "refresh";
    const { apiKey } = await this.#client.keys.refresh({ target: { case: "keyId", value: key.keyId } });
    key.apiKeys.push(apiKey);
    delete key.unanswered;
    this.#acknowledge();
  }

  async revoke(key: LedgerKey): Promise<void> {
    key.unanswered = "revoke";
    await this.#client.keys.revoke({ target: { case: "keyId", value: key.keyId } });
    key.isRevoked = true;
    delete key.unanswered;
    this.#acknowledge();
  }

  async revokeAll(user: LedgerUser): Promise<void> {
    user.isRaiseUnanswered = true;
    await this.#client.keys.revokeAllForUser({ userId: user.userId });
    user.raises += 1;
    user.isRaiseUnanswered = false;
    this.#acknowledge();
  }
}
