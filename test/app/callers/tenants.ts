// The kinds of bounds that a caller can have, each with owners that lie inside and outside: next to each
// other on purpose, so that what is compared by one field alone would be mistaken.
import type { CreateKeyInput } from "../../../src/app/input/create-command.ts";
import type { AppPorts } from "../../../src/app/ports.ts";
import type { Owner } from "../../../src/domain/principal.ts";
import { type CreatedKey, create } from "../world.ts";
import { ownedBy } from "./callers.ts";

export interface Kind {
  /** As titles tell it. */
  readonly kind: string;
  readonly bounds: Owner;
  readonly inside: readonly Owner[];
  readonly outside: readonly Owner[];
}

const USER: Owner = { userId: "user-1" };
const ORG: Owner = { organizationId: "org-1" };
const ACCOUNT: Owner = { serviceAccountId: "account-1" };
const NOBODY: Owner = {};

export const KINDS: readonly Kind[] = [
  {
    kind: "a user",
    bounds: USER,
    inside: [USER, { ...USER, organizationId: "org-2" }],
    outside: [
      { userId: "user-2" },
      { userId: "user-2", ...ORG },
      { organizationId: "user-1" },
      ACCOUNT,
      NOBODY,
    ],
  },
  {
    kind: "an organization",
    bounds: ORG,
    inside: [ORG, { userId: "user-2", ...ORG }, { ...ORG, ...ACCOUNT }],
    outside: [{ organizationId: "org-2" }, USER, { ...USER, organizationId: "org-2" }, ACCOUNT, NOBODY],
  },
  {
    kind: "a user within an organization",
    bounds: { ...USER, ...ORG },
    inside: [
      { ...USER, ...ORG },
      { ...USER, ...ORG, ...ACCOUNT },
    ],
    outside: [
      USER,
      ORG,
      { ...USER, organizationId: "org-2" },
      { userId: "user-2", ...ORG },
      { ...ORG, ...ACCOUNT },
    ],
  },
  {
    kind: "an organization and a service account",
    bounds: { ...ORG, ...ACCOUNT },
    inside: [
      { ...ORG, ...ACCOUNT },
      { userId: "user-3", ...ORG, ...ACCOUNT },
    ],
    outside: [
      ORG,
      ACCOUNT,
      { organizationId: "org-2", ...ACCOUNT },
      { ...ORG, serviceAccountId: "account-2" },
      { ...USER, ...ORG },
    ],
  },
];

/** Every owner above, once. */
export const OWNERS: readonly Owner[] = [
  ...new Map(
    KINDS.flatMap(({ inside, outside }) => [...inside, ...outside]).map((owner) => [
      JSON.stringify([owner.userId, owner.organizationId, owner.serviceAccountId]),
      owner,
    ]),
  ).values(),
];

/** Creates a key of this owner, of the type that fits it best. */
export function createOwned(
  ports: AppPorts,
  owner: Owner,
  overrides: Partial<CreateKeyInput> = {},
): Promise<CreatedKey> {
  return create(ports, { ...ownedBy(owner), ...overrides });
}
