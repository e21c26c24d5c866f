// Where a new key goes: at a random lookup part, at the one that its request_id derives, or at the next
// number of its exclusive place. Reads only; ending the holder and the insert decide.
import { derivedLookup, randomLookup, slotIdOf, slotSource } from "../../domain/api-key/key-id.ts";
import { FleetkeyError } from "../../domain/errors.ts";
import type { KeyRecord } from "../../domain/key.ts";
import { isLive } from "../../domain/lifecycle.ts";
import type { KeyView } from "../../domain/verdict.ts";
import type { CreateCommand } from "../input/create-command.ts";
import type { AppPorts } from "../ports.ts";
import { viewOf } from "./read-view.ts";

/** A lookup part that seemed free. */
export interface FreePlace {
  readonly kind: "free";
  readonly lookup: string;
  readonly slot?: NonNullable<KeyRecord["slot"]>;
  /** The dead key in the exclusive place so far: to be ended for good before the next one is written. */
  readonly holder?: KeyView;
}

/** The key that an earlier call with the same request_id created. */
export interface HeldPlace {
  readonly kind: "held";
  readonly key: KeyRecord;
}

/** Throws `already_exists` when a live key holds the exclusive place. */
export async function choosePlace(ports: AppPorts, command: CreateCommand): Promise<FreePlace | HeldPlace> {
  const { fields, request } = command;
  if (request !== undefined) {
    const earlier = await ports.store.keys.readRequest(request.key);
    if (earlier !== undefined) return { kind: "held", key: earlier };
  }
  if (command.isExclusive) return nextInSlot(ports, command);
  const lookup =
    request === undefined
      ? randomLookup(fields.type, ports.randomBytes)
      : derivedLookup(fields.type, request.key);
  return { kind: "free", lookup };
}

// Numbers are taken without a gap, so two that see the same dead holder, or a stale one, meet at the same
// `_id`.
async function nextInSlot(
  ports: AppPorts,
  { fields, request }: CreateCommand,
): Promise<FreePlace | HeldPlace> {
  const { type, owner, provider } = fields;
  const id = slotIdOf(ports.policy.environment, type, owner, provider);
  const found = await ports.store.keys.readSlotHolder(type, id);
  // An equal call can have come in between the two reads.
  if (found !== undefined && request !== undefined && found.request?.key === request.key)
    return { kind: "held", key: found };
  const holder = found && (await viewOf(ports, found));
  if (holder !== undefined && isLive(holder, ports.clock())) {
    throw new FleetkeyError("already_exists", "a live key holds this exclusive place", {
      reason: "EXCLUSIVE_KEY_EXISTS",
      metadata: { key_id: holder.key.keyId },
    });
  }
  const number = (holder?.key.slot?.number ?? 0) + 1;
  return { kind: "free", lookup: derivedLookup(type, slotSource(id, number)), slot: { id, number }, holder };
}
