// A node of the test's own: the real desk, links and lease, over channels whose messages come when the test
// says, in processes that it stops and ends, around a store of one record, whose version each write raises.
import { RateLimits } from "../../src/app/limits/rate-limits.ts";
import { Lease } from "../../src/cache/lease.ts";
import { Member } from "../../src/cluster/channel/member.ts";
import type { ToPrimary, ToWorker } from "../../src/cluster/channel/messages.ts";
import { type DeskPlace, PrimaryDesk } from "../../src/cluster/primary-desk.ts";
import { PrimaryLink } from "../../src/cluster/primary-link.ts";
import { elapsedMs, type Moment, momentOf } from "../../src/lib/clock.ts";
import { Machine, type Process } from "./machine.ts";

export const LEASE_MS = 1_000;
/** Few, so that workers fall behind. */
export const UNSENT_MAX = 3;
const CHANGED = { keyId: "flk_record" };

interface Flight {
  readonly version: number;
  readonly sentAt: Moment;
}

/** A worker, and what it remembers of the record, by the rules of HeldKeys. */
export class SimulatedWorker {
  readonly process: Process;
  isEnded = false;
  readonly #node: SimulatedNode;
  readonly #lease: Lease;
  readonly #link: PrimaryLink;
  readonly #place: DeskPlace;
  readonly #toWorker: { readonly message: ToWorker; readonly taken: () => void }[] = [];
  readonly #toPrimary: ToPrimary[] = [];
  #held: number | undefined;
  #flight: Flight | undefined;
  #hasLost = false;

  constructor(node: SimulatedNode) {
    this.#node = node;
    this.process = node.machine.start();
    this.#lease = new Lease(node.machine, LEASE_MS);
    const member = new Member((message, taken) => this.#toWorker.push({ message, taken }), UNSENT_MAX);
    this.#place = node.desk.open(member);
    this.#link = new PrimaryLink({
      send: (message) => this.#toPrimary.push(message),
      leaseMs: LEASE_MS,
      after: this.process.after,
      soon: (job) => job(),
    });
    const forgetAll = () => {
      this.#held = undefined;
      this.#flight = undefined;
    };
    const listener = {
      changed: () => {},
      doubted: forgetAll,
      heard: (_position: number, sentAt: Moment) => this.#lease.renew(sentAt),
    };
    this.#link.join({ listener, forget: forgetAll });
  }

  /** The version from which a call that begins now would be answered. */
  get answer(): number {
    if (this.#lease.isLive() && this.#held !== undefined) return this.#held;
    const flight = this.#flight;
    const isJoined = flight !== undefined && elapsedMs(this.#node.machine, flight.sentAt) < LEASE_MS;
    return isJoined ? flight.version : this.#node.version;
  }

  /** A read is sent, and the store answers it; the answer is on its way. */
  read(): void {
    if (this.process.isStopped) return;
    this.#flight = { version: this.#node.version, sentAt: momentOf(this.#node.machine) };
  }

  /** The answer comes. */
  land(): void {
    if (this.process.isStopped || this.#flight === undefined) return;
    if (this.#lease.isLive()) this.#held = this.#flight.version;
    this.#flight = undefined;
  }

  write(): void {
    if (this.process.isStopped) return;
    const version = this.#node.raiseVersion();
    this.#held = undefined;
    this.#flight = undefined;
    this.#link.forget(CHANGED).then(
      () => this.#node.confirm(version),
      () => this.#node.fail(),
    );
  }

  /** The next message that the primary has sent comes; behind the last one, that it is gone. */
  hear(): void {
    if (this.process.isStopped) return;
    const next = this.#toWorker.shift();
    if (next !== undefined) {
      next.taken();
      this.#link.receive(next.message);
    } else if (this.#node.primary.isStopped && this.#node.isPrimaryEnded && !this.#hasLost) {
      this.#hasLost = true;
      this.#link.lose();
    }
  }

  /** The next message of this worker comes to the primary. */
  tell(): void {
    if (this.#node.primary.isStopped) return;
    const message = this.#toPrimary.shift();
    if (message !== undefined) this.#place.receive(message);
  }

  /** The primary sees its end. */
  bury(): void {
    if (this.isEnded && !this.#node.primary.isStopped) this.#place.leave();
  }

  stop(): void {
    this.process.isStopped = true;
  }

  goOn(): void {
    if (this.isEnded) return;
    this.process.isStopped = false;
    this.process.run();
  }

  end(): void {
    this.isEnded = true;
    this.process.end();
  }
}

export class SimulatedNode {
  readonly machine = new Machine();
  readonly primary = this.machine.start();
  readonly desk: PrimaryDesk;
  readonly workers: SimulatedWorker[];
  isPrimaryEnded = false;
  /** What the store holds. */
  version = 1;
  /** The highest version whose write was answered. */
  confirmed = 1;
  failures = 0;

  constructor(workers: number) {
    this.desk = new PrimaryDesk({
      leaseMs: LEASE_MS,
      after: this.primary.after,
      clock: this.machine.wall,
      rates: new RateLimits(),
      changed: () => {},
    });
    this.workers = Array.from({ length: workers }, () => new SimulatedWorker(this));
  }

  /** A new process in the place of one that has ended. */
  replace(index: number): void {
    if (this.primary.isStopped || this.workers[index]?.isEnded !== true) return;
    this.workers[index]?.bury();
    this.workers[index] = new SimulatedWorker(this);
  }

  /** The tail has looked at the feed and found nothing of others; the question was sent a while ago. */
  hear(agoMs: number): void {
    if (this.primary.isStopped) return;
    const at = this.machine.now - agoMs;
    this.desk.heard(1, { monotonic: at, wall: at });
  }

  raiseVersion(): number {
    this.version += 1;
    return this.version;
  }

  confirm(version: number): void {
    this.confirmed = Math.max(this.confirmed, version);
  }

  fail(): void {
    this.failures += 1;
  }

  stopPrimary(): void {
    this.primary.isStopped = true;
  }

  goOnPrimary(): void {
    if (this.isPrimaryEnded) return;
    this.primary.isStopped = false;
    this.primary.run();
  }

  endPrimary(): void {
    this.isPrimaryEnded = true;
    this.primary.end();
  }
}
