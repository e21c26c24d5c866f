// What the use cases need, put together: the store with its memory in front, the limits, the secrets, and who
// may call.
import { randomBytes } from "node:crypto";
import { FailedAttempts } from "../../access/failed-attempts.ts";
import { rootCredential } from "../../access/root-credential.ts";
import { type Authentication, callerAuthentication } from "../../app/callers/authenticate-caller.ts";
import { KeyLimits, type RateCounter } from "../../app/limits/key-limits.ts";
import { QuotaLeases } from "../../app/limits/quota-leases.ts";
import type { AppPorts } from "../../app/ports.ts";
import { bcryptHash } from "../../app/secret/bcrypt-hash.ts";
import { SlowDigestCheck } from "../../app/secret/slow-digest-check.ts";
import { readStored } from "../../app/target/read-view.ts";
import { UseLog } from "../../app/verify/use-log.ts";
import { type FeedListener, toldTogether } from "../../cache/feed-listener.ts";
import { FeedNews } from "../../cache/feed-news.ts";
import { type Changed, forgettingStore } from "../../cache/forgetting-store.ts";
import { HeldKeys } from "../../cache/held-keys.ts";
import { Lease } from "../../cache/lease.ts";
import type { Config } from "../../config/load-config.ts";
import { systemClock, systemStopwatch } from "../../lib/clock.ts";
import type { Log } from "../../observability/log.ts";
import type { Store } from "../../store/store.ts";
import type { Secrets } from "./secrets.ts";

export interface NodeOptions {
  readonly secrets: Secrets;
  /** Where the rate limits of the node are counted. */
  readonly rates: RateCounter;
  /** Called with what this process has changed and forgotten; resolves when the rest of the node has, too. */
  readonly forgetElsewhere: (changed: Changed) => Promise<void>;
}

/** One process that answers calls, before it listens. */
export interface Node {
  readonly ports: AppPorts;
  readonly authentication: Authentication;
  readonly attempts: FailedAttempts;
  readonly quotas: QuotaLeases;
  readonly uses: UseLog;
  readonly held: HeldKeys;
  /** Tells this process of what the tail tells. */
  readonly listener: FeedListener;
  readonly news: FeedNews;
}

export function createNode(config: Config, log: Log, store: Store, options: NodeOptions): Node {
  const { secrets, rates, forgetElsewhere } = options;
  const quotas = new QuotaLeases({
    quotas: store.quotas,
    randomBytes,
    lost: (error) => log.warn({ err: error }, "uses of a quota could not be given back and count as used"),
  });
  const uses = new UseLog(store.usage);
  const { held, listener, news } = createMemory(config, store);
  const ports: AppPorts = {
    store: forgettingStore(store, (changed) => {
      held.forget(changed);
      return forgetElsewhere(changed);
    }),
    views: held,
    clock: systemClock,
    randomBytes,
    peppers: secrets.peppers,
    slowHash: bcryptHash(config.bcryptCost),
    // A queue of its own: a Verify must not wait behind a burst of creates.
    slowCheck: new SlowDigestCheck(bcryptHash(config.bcryptCost)),
    limits: new KeyLimits(rates, quotas),
    uses,
    policy: config.policy,
  };
  const attempts = new FailedAttempts(config.failedAttemptsMax);
  const isRoot = rootCredential(secrets.rootKeys);
  const authentication = callerAuthentication(ports, { isRoot, attempts });
  return { ports, authentication, attempts, quotas, uses, held, listener, news };
}

/** What this process remembers of keys. */
function createMemory(config: Config, store: Store) {
  const stopwatch = systemStopwatch;
  const lease = new Lease(stopwatch, config.leaseMs);
  const held = new HeldKeys({
    entriesMax: config.cacheKeysMax,
    ageMsMax: config.cacheAgeMsMax,
    lease,
    stopwatch,
    readStored: (keyId) => readStored(store, keyId),
  });
  const news = new FeedNews(lease);
  const memory: FeedListener = {
    changed(entries) {
      for (const entry of entries) held.forget(entry);
    },
    doubted: () => held.forgetAll(),
    heard: (_position, sentAt) => lease.renew(sentAt),
  };
  return { held, listener: toldTogether(memory, news), news };
}
