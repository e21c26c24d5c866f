// Durations in settings: which spellings are one, how long they are, and that everything else is refused with
// the same words, whatever it holds.
import { describe, expect, it } from "vitest";
import { parseDuration } from "../../src/config/duration.ts";

describe("parseDuration", () => {
  it.each([
    ["0", 0],
    ["1", 1_000],
    ["1ms", 1],
    ["500ms", 500],
    ["10s", 10_000],
    ["5m", 300_000],
    ["24h", 86_400_000],
    ["90d", 7_776_000_000],
    [" 90d ", 7_776_000_000],
    ["007s", 7_000],
    ["999999999d", 86_399_999_913_600_000],
  ])("reads %j as %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it("gives only numbers that are exact", () => {
    expect(Number.isSafeInteger(parseDuration("99999999d"))).toBe(true);
  });

  it.each([
    "",
    " ",
    "s",
    "-1s",
    "+1s",
    "1.5h",
    "1e3s",
    "1 s",
    "1S",
    "1w",
    "1h30m",
    "1s\n2s",
    "1000000000s",
    "Infinity",
    "٣s",
  ])("refuses %j", (text) => {
    expect(() => parseDuration(text)).toThrow(/^must be a duration such as 10s, 5m, 24h or 90d$/);
  });
});
