// What tests ask of an answer that came through a proxy: what reached the service, whom it was told the key
// belongs to, or that nothing reached it.
import { expect } from "vitest";
import type { Mesh } from "./mesh.ts";
import type { Answer, Call, Echo } from "./upstream.ts";

/** All that a service can be told of a key. */
export const IDENTITY = [
  "key-id",
  "key-type",
  "user",
  "organization",
  "service-account",
  "scopes",
  "provider",
].map((name) => `x-fleetkey-${name}`);
/** In any spelling that some service might read as x-fleetkey-… */
export const identityOf = (answer: Answer) =>
  Object.fromEntries(
    echoOf(answer)
      .headers.filter(([name]) => name.replaceAll("_", "-").startsWith("x-fleetkey"))
      .filter(([, value]) => value !== ""),
  );

/** What a client could claim to be. */
export const claims = (value: string) =>
  Object.fromEntries(
    IDENTITY.flatMap((name) => [name, name.replaceAll("-", "_")]).map((name) => [name, value]),
  );

export function echoOf(answer: Answer): Echo {
  expect(answer).toMatchObject({ status: 200 });
  return JSON.parse(answer.body) as Echo;
}

export const bearer = (apiKey: string) => ({ authorization: `Bearer ${apiKey}` });

/** A refusal, and the proof that nothing reached the service. */
export async function refusalOf({ call, upstream }: Mesh, request: Call): Promise<Answer> {
  const before = upstream.count;
  const answer = await call(request);
  expect(upstream.count, "requests that reached the service").toBe(before);
  return answer;
}
