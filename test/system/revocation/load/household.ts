// The life of a user's keys: created, asked for everywhere, and ended one by one or all together, in every
// way that there is. Organizations are shared by all users, so their end comes as a surprise to some.
import { setTimeout as pause } from "node:timers/promises";
import { KeyType } from "../../../../gen/fleetkey/v1/key_pb.js";
import type { FleetNode, Reach } from "../fleet/fleet.ts";
import type { Random } from "../fleet/random.ts";
import type { EndingTarget } from "../history/history.ts";
import type { Board, HeldSecret } from "./board.ts";
import { type Answered, type Attempt, changeUntilAnswered } from "./change.ts";

/** The ways to end a single key or secret. */
const KEY_ENDS = ["revoke", "revoke by possession", "refresh", "refresh", "disable"] as const;
type KeyEnd = (typeof KEY_ENDS)[number];

/** Between the changes, so that keys are asked for, and remembered, before they end. */
const PAUSE_MS = [20, 400] as const;
const KEYS = [2, 4] as const;
const ORGANIZATION_KEY_SHARE = 0.25;
const WITH_ORGANIZATION_SHARE = 0.5;
const REVOKE_USER_SHARE = 0.5;
/** Of the keys that nothing else ends: they must be valid in the end. */
const KEPT_SHARE = 0.15;

/** The organizations of a run; one whose keys were all ended is followed by another. */
export class Organizations {
  readonly #numbers = [0, 0];

  pick(random: Random): string {
    const place = random.fraction() < 0.5 ? 0 : 1;
    return `org-${place}-${this.#numbers[place]}`;
  }

  renew(organizationId: string): void {
    const place = Number(organizationId.split("-")[1]);
    this.#numbers[place] = (this.#numbers[place] ?? 0) + 1;
  }
}

export interface HouseholdOptions {
  readonly nodes: readonly FleetNode[];
  readonly board: Board;
  readonly random: Random;
  readonly organizations: Organizations;
}

export class Household {
  readonly #options: HouseholdOptions;
  readonly #userId: string;

  constructor(userId: string, options: HouseholdOptions) {
    this.#userId = userId;
    this.#options = options;
  }

  /** From the first key to the last change. Given up between two steps when the signal says so. */
  async live(signal: AbortSignal): Promise<void> {
    const { random } = this.#options;
    const count = random.between(...KEYS);
    const keys: HeldSecret[] = [];
    for (let index = 0; index < count && !signal.aborted; index++) keys.push(...(await this.#create()));
    for (const key of keys) {
      if (random.chance(KEPT_SHARE)) continue;
      await this.#endKey(key, signal);
    }
    if (!signal.aborted && random.chance(REVOKE_USER_SHARE)) await this.endUser();
  }

  /** A key of the user, alone of its kind. */
  async createKey(): Promise<HeldSecret> {
    const [key] = await this.#createWith({ type: KeyType.USER, userId: this.#userId }, [this.#userId]);
    if (key === undefined) throw new TypeError("a key that nothing forbids was refused");
    return key;
  }

  #create(): Promise<readonly HeldSecret[]> {
    const { random, organizations } = this.#options;
    const organizationId = organizations.pick(random);
    if (random.chance(ORGANIZATION_KEY_SHARE)) {
      return this.#createWith({ type: KeyType.ORGANIZATION, organizationId }, [organizationId]);
    }
    const user = { type: KeyType.USER, userId: this.#userId };
    if (!random.chance(WITH_ORGANIZATION_SHARE)) return this.#createWith(user, [this.#userId]);
    return this.#createWith({ ...user, organizationId }, [this.#userId, organizationId]);
  }

  async #createWith(
    request: { readonly type: KeyType; readonly userId?: string; readonly organizationId?: string },
    principals: readonly string[],
  ): Promise<readonly HeldSecret[]> {
    const created = await this.#change(({ keys }, options) => keys.create(request, options));
    if (created === undefined) return [];
    const { apiKey, key } = created.answer;
    const held = { keyId: key?.keyId ?? "", secret: 0, apiKey, principals };
    this.#options.board.issued(held, created.sentAt);
    return [held];
  }

  async #endKey(key: HeldSecret, signal: AbortSignal): Promise<void> {
    const { random } = this.#options;
    let current: HeldSecret | undefined = key;
    while (current !== undefined) {
      await pause(random.between(...PAUSE_MS), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      current = await this.end(current, random.pick(KEY_ENDS));
    }
  }

  /** Gives the next secret, if there is one. */
  async end(key: HeldSecret, how: KeyEnd, isProbed = false): Promise<HeldSecret | undefined> {
    const { keyId, secret, apiKey } = key;
    const target = { keyId };
    switch (how) {
      case "revoke": {
        const request = { target: { case: "keyId", value: keyId } } as const;
        await this.#end(how, target, ({ keys }, options) => keys.revoke(request, options), isProbed);
        return undefined;
      }
      case "revoke by possession": {
        const request = { target: { case: "apiKey", value: apiKey } } as const;
        await this.#end(
          how,
          target,
          ({ anonymous }, options) => anonymous.revoke(request, options),
          isProbed,
        );
        return undefined;
      }
      case "disable": {
        const request = { key: { keyId, disabled: true }, updateMask: { paths: ["disabled"] } };
        await this.#end(how, target, ({ keys }, options) => keys.update(request, options), isProbed);
        return undefined;
      }
      case "refresh": {
        const next = secret + 1;
        const request = { target: { case: "keyId", value: keyId }, requestId: `${keyId}-${next}` } as const;
        const attempt = ({ keys }: Reach, options: { readonly signal: AbortSignal }) =>
          keys.refresh(request, options);
        const refreshed = await this.#end(how, { keyId, secretsBefore: next }, attempt, isProbed);
        if (refreshed === undefined) return undefined;
        const held = { ...key, secret: next, apiKey: refreshed.answer.apiKey };
        this.#options.board.issued(held, refreshed.sentAt);
        if (refreshed.unanswered > 0) this.#expectLateRepetition(held);
        return held;
      }
      default:
        return how satisfies never;
    }
  }

  // A repetition replaces the newest secret, also one that arrives after the one that was answered.
  #expectLateRepetition({ keyId, secret }: HeldSecret): void {
    const target = { keyId, secretsBefore: secret + 1 };
    const sentAt = performance.now();
    this.#options.board.ends({ how: "late repetition", target, sentAt, isProbed: false });
  }

  async endUser(isProbed = false): Promise<void> {
    const userId = this.#userId;
    const request = { userId, requestId: `end of ${userId}` };
    const attempt: Attempt<unknown> = ({ keys }, options) => keys.revokeAllForUser(request, options);
    await this.#end("revoke user", { principal: userId }, attempt, isProbed);
  }

  /** Ends an organization of all users. */
  async endOrganization(): Promise<void> {
    const { random, organizations } = this.#options;
    const organizationId = organizations.pick(random);
    organizations.renew(organizationId);
    const request = { organizationId, requestId: `end of ${organizationId}` };
    const attempt: Attempt<unknown> = ({ keys }, options) => keys.revokeAllForOrganization(request, options);
    await this.#end("revoke organization", { principal: organizationId }, attempt);
  }

  async #end<Answer>(
    how: string,
    target: EndingTarget,
    attempt: Attempt<Answer>,
    isProbed = false,
  ): Promise<Answered<Answer> | undefined> {
    const tellAnswered = this.#options.board.ends({ how, target, sentAt: performance.now(), isProbed });
    const done = await this.#change(attempt);
    if (done !== undefined) tellAnswered({ node: done.node, at: done.answeredAt });
    return done;
  }

  #change<Answer>(attempt: Attempt<Answer>): Promise<Answered<Answer> | undefined> {
    return changeUntilAnswered(this.#options.nodes, this.#options.random, attempt);
  }
}
