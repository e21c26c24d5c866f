// Who may do what to which key, as a table that a person can read. How a cell is asked is columns.ts's, and
// what each caller shows is callers.ts's.

/**
 * A cell has three signs: for what is the caller's own, for what lies outside its bounds (to a caller without
 * bounds: somebody else's), and for what does not exist.
 */
export const SIGNS = {
  "+": "done: a key, a list with something in it, valid, revoked",
  "0": "answered with nothing: an empty list, unknown, no key ended",
  "?": "not_found",
  "!": "permission_denied",
  "#": "unauthenticated",
} as const;

export type Sign = keyof typeof SIGNS;

/**
 * The columns in their order. Refresh and Revoke name their key by key_id, by its owner, by its api_key.
 * Watch names none: who may call it is answered.
 */
export const COLUMN_NAMES = [
  ...["Create", "Import", "Update", "EraseUser"],
  ...["Refresh", "Refresh by owner", "Refresh by api_key", "Revoke", "Revoke by owner", "Revoke by api_key"],
  ...["RevokeAllForUser", "RevokeAllForOrganization", "RevokeAllForServiceAccount", "ReportLeak"],
  ...["Verify", "BatchVerify", "VerifyStream", "Get", "List", "ListEvents", "Watch"],
] as const;

export type ColumnName = (typeof COLUMN_NAMES)[number];

const ALL = "+++ +++ ++? ++0 ++? ++? ++? ++? ++? ++? ++0 ++0 ++0 ++0 ++0 ++0 ++0 ++? ++0 ++0 +++";
const NOT = "!!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!!";
const WHO = "### ### ### ### ### ### ### ### ### ### ### ### ### ### ### ### ### ### ### ### ###";

/** A row for each kind of caller. */
// biome-ignore format: columns stand below each other
export const MATRIX = {
  //                     Crt Imp Upd Era Refresh.... Revoke..... RevokeAll.. Lk  Verify..... Get Lst Evt Wat
  "root":               ALL,
  "root in X-API-Key":  ALL,
  "admin":              ALL,
  "nobody":             "### ### ### ### ### ### ++# ### ### ++# ### ### ### ### ### ### ### ### ### ### ###",
  "a wrong credential": WHO,
  "a publishable key":  WHO,
  "a revoked admin":    WHO,
  "an expired admin":   WHO,
  "a disabled admin":   WHO,
  "no fleetkey: scope": NOT,
  "the scope *":        NOT,
  "verify":             "!!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! ++0 ++0 ++0 !!! !!! !!! !!!",
  "read":               "!!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! ++? ++0 ++0 +++",
  "create":             "+++ !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!!",
  "update":             "!!! !!! ++? !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!!",
  "refresh":            "!!! !!! !!! !!! ++? ++? ++? !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!!",
  "revoke":             "!!! !!! !!! !!! !!! !!! !!! ++? ++? ++? ++0 ++0 ++0 ++0 !!! !!! !!! !!! !!! !!! !!!",
  "import":             "!!! +++ !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!! !!!",
  "admin of an org":    "+!! +!! +?? !!! +?? +?? +?? +?? +?? +?? +00 +00 !!! +00 +00 +00 +00 +?? +00 +00 +++",
  "of a user":          "+!! +!! +?? !!! +?? +?? +?? +?? +?? +?? +00 +00 !!! +00 +00 +00 +00 +?? +00 +00 +++",
  "both, other user":   "+!! +!! +?? !!! +?? +?? +?? +?? +?? +?? +00 +00 !!! +00 +00 +00 +00 +?? +00 +00 +++",
  "both, other org":    "+!! +!! +?? !!! +?? +?? +?? +?? +?? +?? +00 +00 !!! +00 +00 +00 +00 +?? +00 +00 +++",
} as const satisfies Record<string, string>;

export type CallerKind = keyof typeof MATRIX;
