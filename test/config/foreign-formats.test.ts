// Covers config/foreign-formats.ts: which texts of FLEETKEY_FOREIGN_FORMATS stop the start. The message names
// the setting, the format and the reason.
import { describe, expect, it } from "vitest";
import { foreignFormats, manyFormats, troublesOf } from "./settings.ts";

const FORMATS = 'must be a JSON array such as [{"name":"legacy","type":"user","pattern":"lk_[a-z0-9]{32}"}]';
const FORMAT_FIELDS =
  "must have name, type and pattern and nothing else, with a type of user, organization, service, " +
  "publishable, integration";
const FORMAT_NAME = "name must be 1 to 32 of a-z, 0-9, _ . and -";
const PATTERN_LENGTH = "format legacy: pattern must be 1 to 500 characters";
const ENGINE =
  "format legacy: pattern is not understood by the linear-time engine, which knows no backreferences and " +
  "no lookaround:";
const legacy = (pattern: string) => foreignFormats(["legacy", pattern]);

describe("FLEETKEY_FOREIGN_FORMATS is refused with its name, the format and the reason", () => {
  it.each([
    ["legacy", FORMATS],
    ['{"name":"legacy"}', FORMATS],
    ["null", FORMATS],
    ['["legacy"]', `format number 1: ${FORMAT_FIELDS}`],
    ["[null]", `format number 1: ${FORMAT_FIELDS}`],
    ['[{"name":"legacy","type":"user"}]', `format legacy: ${FORMAT_FIELDS}`],
    ['[{"name":"legacy","type":"users","pattern":"a"}]', `format legacy: ${FORMAT_FIELDS}`],
    ['[{"name":"legacy","type":"user","pattern":"a","flags":"i"}]', `format legacy: ${FORMAT_FIELDS}`],
    [foreignFormats(["", "a"]), `format number 1: ${FORMAT_NAME}`],
    [foreignFormats(["Legacy", "a"]), `format number 1: ${FORMAT_NAME}`],
    [foreignFormats(["a", "a"], ["a".repeat(33), "a"]), `format number 2: ${FORMAT_NAME}`],
    [foreignFormats(["a", "a"], ["a", "b"]), "must not hold a name twice"],
    [foreignFormats(...manyFormats(17)), "must be at most 16 formats"],
    [legacy(""), PATTERN_LENGTH],
    [legacy("a".repeat(501)), PATTERN_LENGTH],
    [legacy("(?=a)a"), `${ENGINE} invalid or unsupported Perl syntax at "(?="`],
    [legacy("a(?!b)"), `${ENGINE} invalid or unsupported Perl syntax at "(?!"`],
    [legacy("(?<!b)a"), `${ENGINE} invalid named capture at "(?<!b)a"`],
    [legacy("(a)\\1"), `${ENGINE} invalid escape sequence at "\\\\1"`],
    [legacy("(a"), `${ENGINE} missing closing ) at "(a"`],
    [legacy("a{1001}"), `${ENGINE} invalid repeat count at "{1001}"`],
    [legacy("(?<lookup>a)|(?<lookup>b)"), `${ENGINE} duplicate capture group name at "lookup"`],
    [
      legacy("(?:a{100}){10}"),
      "format legacy: pattern is of 1002 steps with its repetitions written out; at most 1000 are allowed",
    ],
  ])("%s", (text, message) => {
    expect(troublesOf({ FLEETKEY_FOREIGN_FORMATS: text })).toEqual([`FLEETKEY_FOREIGN_FORMATS: ${message}`]);
  });
});
