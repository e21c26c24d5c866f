// How a sound store is broken in one way: some of its methods are replaced, everything else stays.
import type { Event } from "../../../src/domain/audit/event.ts";
import type { Store } from "../../../src/store/store.ts";
import type { ContractNoun } from "../contract/suite.ts";

export interface Breakage {
  /** What the store does wrong. */
  readonly title: string;
  /** The part of the suite that must find it. */
  readonly noun: ContractNoun;
  breakStore(sound: Store): Store;
}

type Part = Exclude<keyof Store, "ping" | "close">;

/** Replaces methods of one part; `overrides` gets the sound part and the whole sound store. */
export function breakPart<Name extends Part>(
  part: Name,
  overrides: (target: Store[Name], sound: Store) => Partial<Store[Name]>,
): (sound: Store) => Store {
  return (sound) => ({ ...sound, [part]: overridden<object>(sound[part], overrides(sound[part], sound)) });
}

/** The same object but for some of its methods. */
function overridden<Target extends object>(target: Target, overrides: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_, property) => {
      const value: unknown = Reflect.get(property in overrides ? overrides : target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

let strays = 0;

/** Writes an event that tells of no change that anyone can see. */
export async function appendStray(sound: Store, event: Event): Promise<void> {
  const principalId = `stray-${++strays}`;
  await sound.principals.write({ principalId, owner: {}, epoch: 1, raises: [], revision: 1 }, event);
}
