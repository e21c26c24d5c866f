// Every case through every client that a test file names, against a service that they share. Cases do not see
// each other's keys, and at the end none of all the api_keys that were given out is in the log.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningService, runService } from "../running-service.ts";
import { ALL_CASES } from "./cases/all-cases.ts";
import type { Case } from "./cases/case.ts";
import { runCase } from "./cases/run-case.ts";
import type { Client, Outcome } from "./clients/client.ts";

export interface ClientUnderTest {
  readonly title: string;
  /** Calls cost a process each: only the brief cases. */
  readonly isSlow?: boolean;
  open(url: string): Client;
}

export function describeEveryCase(
  clients: readonly ClientUnderTest[],
  settings: Readonly<Record<string, string>> = {},
): void {
  let service: RunningService;
  const issued: string[] = [];
  beforeAll(async () => {
    service = await runService({ FLEETKEY_ENVIRONMENT: "prod", ...settings });
  });
  afterAll(() => service.stop());

  describe.each(clients)("$title", ({ open, isSlow }) => {
    let client: Client;
    beforeAll(() => {
      client = remembering(open(service.url), issued);
    });
    afterAll(() => client.close());

    const isFit = ({ isBrief }: Case) => isBrief || !isSlow;
    for (const testCase of ALL_CASES.filter(isFit)) {
      it(testCase.title, ({ skip }) => {
        if (testCase.needs !== undefined && !client.carries.includes(testCase.needs)) {
          skip(`this client cannot send a request with an ${testCase.needs.replace("_", " ")}`);
        }
        return runCase(client, testCase);
      });
    }
  });

  it("logs none of the api_keys that were given out", () => {
    expect(issued.length).toBeGreaterThan(0);
    const logged = service.logged();
    expect(issued.filter((apiKey) => logged.includes(apiKey))).toEqual([]);
  });
}

function remembering(client: Client, issued: string[]): Client {
  return {
    ...client,
    async call(...args): Promise<Outcome> {
      const outcome = await client.call(...args);
      const apiKey = outcome.response?.["apiKey"];
      if (typeof apiKey === "string") issued.push(apiKey);
      return outcome;
    },
  };
}
