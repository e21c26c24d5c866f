// A worker that does not read is told no more than so much, and when it reads again, to forget everything
// before it is told anything else. Covers src/cluster/channel/member.ts.
import { expect, it } from "vitest";
import { Member, UNSENT_MAX } from "../../../src/cluster/channel/member.ts";
import type { ToWorker } from "../../../src/cluster/channel/messages.ts";

const forget = (id: number) => ({ kind: "forget", id, changed: {} }) as const;

function openMember(unsentMax?: number) {
  const sent: ToWorker[] = [];
  const unsent: (() => void)[] = [];
  const member = new Member((message, taken) => {
    sent.push(message);
    unsent.push(taken);
  }, unsentMax);
  const takeAll = () => {
    for (const taken of unsent.splice(0)) taken();
  };
  return { member, sent, unsent, takeAll };
}

it(`tells ${UNSENT_MAX} messages that the system has not taken yet, and no more`, () => {
  const { member, sent } = openMember();
  for (let id = 1; id <= UNSENT_MAX + 5; id++) member.tell(forget(id));
  expect(sent).toHaveLength(UNSENT_MAX);
});

it("makes up for what it has left out by `doubted`, before any other news", () => {
  const { member, sent, takeAll } = openMember(2);
  for (const id of [1, 2, 3, 4]) member.tell(forget(id));
  takeAll();
  member.tell(forget(5));
  expect(sent).toEqual([forget(1), forget(2), { kind: "doubted" }, forget(5)]);
});

it("leaves out everything until all is taken: nothing may come before `doubted`", () => {
  const { member, sent, unsent, takeAll } = openMember(2);
  for (const id of [1, 2, 3]) member.tell(forget(id));
  unsent.shift()?.();
  member.tell(forget(4));
  expect(sent).toHaveLength(2);
  takeAll();
  expect(sent.at(-1)).toEqual({ kind: "doubted" });
  takeAll();
  expect(sent).toHaveLength(3);
});

it("answers also a worker that is behind", () => {
  const { member, sent } = openMember(1);
  member.tell(forget(1));
  member.tell(forget(2));
  member.answer({ kind: "forgotten", id: 1 });
  expect(sent).toEqual([forget(1), { kind: "forgotten", id: 1 }]);
});
