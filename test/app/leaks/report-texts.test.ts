// Covers the texts of a leak's report: which may be given, which are kept with its event, and that an api_key
// never is, in whatever spelling.
import { describe, expect, it } from "vitest";
import { type ReportLeakInput, reportLeak } from "../../../src/app/leaks/report-leak.ts";
import { errorOf, violatedFields } from "../outcomes.ts";
import { create, feedOf, NOBODY, openWorld, ROOT, secretOf, verdictOf, type World } from "../world.ts";

const URL_OF_FIND = "https://code.example/acme/app/blob/main/.env";

const report = ({ ports }: World, apiKey: string, overrides: Partial<ReportLeakInput> = {}, caller = ROOT) =>
  reportLeak(ports, caller, { apiKey, source: "github", url: URL_OF_FIND, ...overrides });

/** The text with each character percent-encoded. */
const encoded = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join("");

describe("An event of a leak", () => {
  it.each<[string, (apiKey: string) => string]>([
    ["as it is", (apiKey) => `https://code.example/?q=${apiKey}`],
    ["at its very beginning", (apiKey) => apiKey],
    ["percent-encoded", (apiKey) => `https://code.example/?q=${encoded(apiKey)}&page=1`],
    ["with upper-case codes", (apiKey) => `https://code.example/?q=${encoded(apiKey).toUpperCase()}`],
    ["partly percent-encoded", (apiKey) => `https://code.example/${apiKey.replaceAll("_", "%5F")}`],
    ["percent-encoded twice", (apiKey) => `https://code.example/${apiKey.replaceAll("_", "%255f")}`],
    [
      "percent-encoded nine times",
      (apiKey) => `https://c.example/${apiKey.replaceAll("_", `%${"25".repeat(8)}5f`)}`,
    ],
    ["in capitals", (apiKey) => `https://code.example/${apiKey.toUpperCase()}`],
    ["behind a lone percent sign", (apiKey) => `https://code.example/100%/${encoded(apiKey)}`],
  ])("A url that holds the api_key is not kept: %s.", async (_, urlOf) => {
    const world = await openWorld();
    const { apiKey } = await create(world.ports);
    expect(await report(world, apiKey, { url: urlOf(apiKey) })).toMatchObject({ revoked: true });
    const [, event] = await feedOf(world.ports);
    expect(event?.url).toBeUndefined();
    const kept = JSON.stringify(await feedOf(world.ports)).toLowerCase();
    expect(kept).not.toContain(secretOf(apiKey).toLowerCase());
  });

  it("A source that holds the api_key is not kept either.", async () => {
    const world = await openWorld();
    const { apiKey } = await create(world.ports);
    await report(world, apiKey, { source: apiKey });
    const [, event] = await feedOf(world.ports);
    expect(event?.source).toBeUndefined();
    expect(event?.url).toBe(URL_OF_FIND);
  });

  it.each(["https://code.example/%zz?a=%", "https://code.example/é/😀", "not a url"])(
    "keeps any other url as it was: %s",
    async (url) => {
      const world = await openWorld();
      const { apiKey } = await create(world.ports);
      await report(world, apiKey, { url });
      expect((await feedOf(world.ports))[1]?.url).toBe(url);
    },
  );

  it("says nothing of what was not told", async () => {
    const world = await openWorld();
    const { apiKey } = await create(world.ports);
    await report(world, apiKey, { source: "", url: "" });
    const [, event] = await feedOf(world.ports);
    expect([event?.source, event?.url]).toEqual([undefined, undefined]);
  });
});

describe("A report is refused", () => {
  it.each<[string, Partial<ReportLeakInput>, readonly string[]]>([
    ["no api_key", { apiKey: "" }, ["api_key"]],
    ["a source of 65 bytes", { source: "a".repeat(65) }, ["source"]],
    ["a source of 66 bytes in 33 characters", { source: "é".repeat(33) }, ["source"]],
    ["a source with a line feed", { source: "a\n" }, ["source"]],
    ["a url of 1,025 bytes", { url: "a".repeat(1_025) }, ["url"]],
    ["a url with a control character", { url: "a\u0085" }, ["url"]],
    ["a url with a lone surrogate", { url: "\ud800" }, ["url"]],
    ["all of it", { apiKey: "", source: "\0", url: "\0" }, ["api_key", "source", "url"]],
  ])("for %s, and nothing is done", async (_, input, fields) => {
    const world = await openWorld();
    const { apiKey } = await create(world.ports);
    expect(await violatedFields(report(world, apiKey, input))).toEqual(fields);
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
  });

  it("not for texts at their bounds", async () => {
    const world = await openWorld();
    const { apiKey } = await create(world.ports);
    const input = { source: "é".repeat(32), url: "a".repeat(1_024) };
    await report(world, apiKey, input);
    expect((await feedOf(world.ports))[1]).toMatchObject(input);
  });

  it("without repeating the api_key, wherever it was put", async () => {
    const world = await openWorld();
    const { apiKey } = await create(world.ports);
    const error = await errorOf(report(world, apiKey, { source: `${apiKey}\n`, url: `${apiKey}\n` }));
    expect(error.message + JSON.stringify(error.details)).not.toContain(secretOf(apiKey));
  });

  it("from nobody: that is a bug", async () => {
    const world = await openWorld();
    const { apiKey } = await create(world.ports);
    await expect(report(world, apiKey, {}, NOBODY)).rejects.toThrow("without a credential");
    expect(await verdictOf(world.ports, apiKey)).toBe("valid");
  });
});
