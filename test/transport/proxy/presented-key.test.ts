// Covers transport/proxy/presented-key.ts and checked-headers.ts: which key a request presents, in which
// headers, and that two keys, joined values and what no key looks like are never one.
import { describe, expect, it } from "vitest";
import { CheckedHeaders, CLAIMED_NAMES_MAX } from "../../../src/transport/proxy/checked-headers.ts";
import { presentedKey } from "../../../src/transport/proxy/presented-key.ts";

type Pairs = readonly (readonly [string, string])[];

function headersOf(pairs: Pairs): CheckedHeaders {
  const headers = new CheckedHeaders();
  for (const [name, value] of pairs) headers.add(name, value);
  return headers;
}

const LONGEST = "k".repeat(512);

describe("one key", () => {
  it.each<[pairs: Pairs, apiKey: string, places: number]>([
    [[["authorization", "Bearer key-1"]], "key-1", 1],
    [[["Authorization", "bEaReR   key-1  "]], "key-1", 1],
    [[["x-api-key", "key-1"]], "key-1", 2],
    [[["X-API-Key", "key-1"]], "key-1", 2],
    [[["apikey", "key-1"]], "key-1", 4],
    [[["ApiKey", LONGEST]], LONGEST, 4],
    [
      [
        ["authorization", "Bearer key-1"],
        ["x-api-key", "key-1"],
        ["apikey", "key-1"],
      ],
      "key-1",
      7,
    ],
    [
      [
        ["authorization", "Basic a2V5"],
        ["x-api-key", "key-1"],
      ],
      "key-1",
      2,
    ],
    [
      [
        ["authorization", "AWS4-HMAC-SHA256 Credential=a, Signature=b"],
        ["apikey", "key-1"],
      ],
      "key-1",
      4,
    ],
    [
      [
        ["x-api-keys", "key-2"],
        ["cookie", "apikey=key-2"],
        ["apikey", "key-1"],
      ],
      "key-1",
      4,
    ],
  ])("%j", (pairs, apiKey, places) => {
    expect(presentedKey(headersOf(pairs))).toEqual({ kind: "one", apiKey, places });
  });
});

describe("no key", () => {
  it.each<[Pairs]>([
    [[]],
    [[["authorization", "Basic a2V5"]]],
    [[["authorization", "key-1"]]],
    [[["authorization", "Bearer\tkey-1"]]],
    [[["authorization", "Basic a2V5, Bearer key-1"]]],
    [[["authorization", ""]]],
    [
      [
        ["proxy-authorization", "Bearer key-1"],
        ["x-fleetkey-authorization", "key-1"],
      ],
    ],
    [
      [
        ["cookie", "apikey=key-1"],
        ["api-key", "key-1"],
        ["x_api_key", "key-1"],
      ],
    ],
  ])("%j", (pairs) => {
    expect(presentedKey(headersOf(pairs))).toEqual({ kind: "none" });
  });
});

describe("not exactly one key", () => {
  it.each<[Pairs]>([
    [
      [
        ["authorization", "Bearer key-1"],
        ["x-api-key", "key-2"],
      ],
    ],
    [
      [
        ["authorization", "Bearer key-1"],
        ["apikey", "key-2"],
      ],
    ],
    [
      [
        ["x-api-key", "key-1"],
        ["apikey", "key-2"],
      ],
    ],
    [
      [
        ["authorization", "Bearer key-1"],
        ["x-api-key", ""],
      ],
    ],
    [[["authorization", "Bearer"]]],
    [[["authorization", "Bearer  "]]],
    [
      [
        ["authorization", "Bearer"],
        ["x-api-key", "key-1"],
      ],
    ],
    [
      [
        ["authorization", "Bearer key-1"],
        ["authorization", "Bearer key-1"],
      ],
    ],
    [
      [
        ["authorization", "Bearer key-1"],
        ["authorization", "Bearer key-2"],
      ],
    ],
    [[["authorization", "Bearer key-1, Bearer key-2"]]],
    [[["authorization", "Bearer key-1,key-2"]]],
    [[["authorization", "Bearer key-1 key-2"]]],
    [
      [
        ["x-api-key", "key-1"],
        ["X-Api-Key", "key-1"],
      ],
    ],
    [[["x-api-key", "key-1,key-1"]]],
    [[["x-api-key", "Bearer key-1"]]],
    [
      [
        ["apikey", "key-1"],
        ["apikey", ""],
      ],
    ],
    [[["apikey", " key-1"]]],
    [[["apikey", "key-1\n"]]],
    [[["apikey", "key-\u00e9"]]],
    [[["apikey", "key-\ufffd"]]],
    [[["apikey", `${LONGEST}k`]]],
    [[["x-api-key", "x".repeat(61_440)]]],
  ])("%.80j", (pairs) => {
    expect(presentedKey(headersOf(pairs))).toEqual({ kind: "ambiguous" });
  });
});

describe("what a client claims", () => {
  it("is every name that a service could read as one of Fleetkey's own, once", () => {
    const names = [
      "x-fleetkey-role",
      "X_Fleetkey_User",
      "x-fleetkey_key-id",
      "x-fleetkeyfoo",
      "x-fleetkey-role",
    ];
    const { claimed } = headersOf(names.map((name) => [name, "1"]));
    expect(claimed).toEqual(["x-fleetkey-role", "x_fleetkey_user", "x-fleetkey_key-id", "x-fleetkeyfoo"]);
  });

  it("does not name what is always taken care of, and nothing else", () => {
    const names = [
      "x-fleetkey-user",
      "x-fleetkey-authorization",
      "fleetkey-user",
      "y-fleetkey-user",
      "x.fleetkey",
    ];
    expect(headersOf(names.map((name) => [name, "1"])).claimed).toEqual([]);
  });

  it("is bounded", () => {
    const pairs = Array.from({ length: 1_000 }, (_, at) => [`x-fleetkey-${at}`, "1"] as const);
    expect(headersOf(pairs).claimed).toHaveLength(CLAIMED_NAMES_MAX + 1);
  });
});
