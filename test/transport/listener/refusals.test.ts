// What is turned away is told in the log at most once a second, however much of it there is, and all of it is
// counted.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type RefusalReport, Refusals } from "../../../src/transport/listener/refusals.ts";

let reports: RefusalReport[];
let refusals: Refusals;

beforeEach(() => {
  vi.useFakeTimers();
  reports = [];
  refusals = new Refusals((report) => reports.push(report));
});
afterEach(() => {
  vi.useRealTimers();
});

it("the first is told at once, the others of the second together", () => {
  for (let count = 0; count < 1_000; count += 1) refusals.count("too many connections");
  expect(reports).toEqual([{ refused: "too many connections", count: 1, detail: undefined }]);
  vi.advanceTimersByTime(999);
  expect(reports).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(reports.slice(1)).toEqual([{ refused: "too many connections", count: 999, detail: undefined }]);
});

it("each reason is counted for itself, with the last detail", () => {
  refusals.count("client certificate", "CERT_HAS_EXPIRED");
  refusals.count("too many connections");
  refusals.count("client certificate", "a");
  refusals.count("client certificate", "b");
  vi.advanceTimersByTime(1_000);
  expect(reports).toEqual([
    { refused: "client certificate", count: 1, detail: "CERT_HAS_EXPIRED" },
    { refused: "too many connections", count: 1, detail: undefined },
    { refused: "client certificate", count: 2, detail: "b" },
  ]);
});

it("nothing is told of a second without any, and the next one is told at once again", () => {
  refusals.count("too many connections");
  vi.advanceTimersByTime(10_000);
  expect(reports).toHaveLength(1);
  refusals.count("too many connections");
  expect(reports).toHaveLength(2);
  expect(vi.getTimerCount()).toBe(1);
});
