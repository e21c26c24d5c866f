// Covers access/root-credential.ts: the one or two texts that are a root credential, and nothing near them.
import { describe, expect, it } from "vitest";
import { rootCredential } from "../../src/access/root-credential.ts";

const FIRST = "first-root-credential-for-tests-0001";
const SECOND = "second-root-credential-for-tests-002";

describe("rootCredential", () => {
  it("accepts each of two, so that one can replace the other without a gap", () => {
    const isRoot = rootCredential([FIRST, SECOND]);
    expect([isRoot(FIRST), isRoot(SECOND)]).toEqual([true, true]);
  });

  it("accepts only the one that is left when the other was taken away", () => {
    const isRoot = rootCredential([SECOND]);
    expect([isRoot(FIRST), isRoot(SECOND)]).toEqual([false, true]);
  });

  it.each([
    ["the empty text", ""],
    ["a character less", FIRST.slice(0, -1)],
    ["a character more", `${FIRST}0`],
    ["another last character", `${FIRST.slice(0, -1)}2`],
    ["another case", FIRST.toUpperCase()],
    ["a blank before it", ` ${FIRST}`],
    ["a line feed behind it", `${FIRST}\n`],
    ["both joined", `${FIRST},${SECOND}`],
    ["a NUL behind it", `${FIRST}\0`],
    ["a lone surrogate", "\ud800"],
    ["10 MB", FIRST.repeat(300_000)],
  ])("Nothing near a root credential is one: %s.", (_, presented) => {
    expect(rootCredential([FIRST, SECOND])(presented)).toBe(false);
  });

  it("Without a root credential nothing is one.", () => {
    const isRoot = rootCredential([]);
    expect([isRoot(""), isRoot("undefined"), isRoot(FIRST)]).toEqual([false, false, false]);
  });
});
