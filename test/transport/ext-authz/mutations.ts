// Random changes of CheckRequests: of their fields, so that what comes out is still a message, and then of
// their bytes, so that it need not be one.
import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { CheckRequestSchema } from "../../../gen/envoy/service/auth/v3/external_auth_pb.js";
import { type CheckInput, checkRequest } from "./asked.ts";

/** What to do, where (as a part of the whole), and with what. */
type Change = readonly [kind: string, part: number, value: number, length: number];

const changeOf = (...kinds: readonly string[]) =>
  fc.tuple(
    fc.constantFrom(...kinds),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat(255),
    fc.integer({ min: 1, max: 80 }),
  );
const fieldChanges = fc.array(changeOf("name", "value", "drop", "double", "join", "raw", "extension"), {
  maxLength: 3,
});
const byteChanges = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.array(changeOf("flip", "set", "insert", "remove", "repeat", "cut", "splice"), {
      minLength: 1,
      maxLength: 3,
    }),
  },
);

type List = "header" | "raw" | "extension";
interface Field {
  readonly list: List;
  readonly name: string;
  readonly value: string | Uint8Array;
}

/** The bytes of a request that was made of one of these. */
export function changedRequests(inputs: readonly CheckInput[]): fc.Arbitrary<Buffer> {
  const anyInput = fc.constantFrom(...inputs);
  return fc.tuple(anyInput, anyInput, fieldChanges, byteChanges).map(([input, other, fields, bytes]) => {
    const changed = fields.reduce<readonly Field[]>(changeFields, fieldsOf(input));
    const message = bytesOf({ ...inputOf(changed), source: input.source });
    return bytes.reduce<Buffer>((before, change) => changeBytes(before, bytesOf(other), change), message);
  });
}

function bytesOf(input: CheckInput): Buffer {
  return Buffer.from(toBinary(CheckRequestSchema, checkRequest(input)));
}

function fieldsOf({ headers = {}, rawHeaders = [], extensions = {} }: CheckInput): readonly Field[] {
  const listed = (list: List, pairs: readonly (readonly [string, string | Uint8Array])[]) =>
    pairs.map(([name, value]) => ({ list, name, value }));
  return [
    ...listed("header", Object.entries(headers)),
    ...listed("raw", rawHeaders),
    ...listed("extension", Object.entries(extensions)),
  ];
}

function inputOf(fields: readonly Field[]): CheckInput {
  const pairs = (list: List) =>
    fields.filter((field) => field.list === list).map(({ name, value }) => [name, value] as const);
  const texts = (list: List) => Object.fromEntries(pairs(list).map(([name, value]) => [name, String(value)]));
  return { headers: texts("header"), rawHeaders: pairs("raw"), extensions: texts("extension") };
}

function changeFields(fields: readonly Field[], [kind, part, value, length]: Change): readonly Field[] {
  const at = Math.min(fields.length - 1, Math.floor(part * fields.length));
  const field = fields[at];
  if (field === undefined) return fields;
  const replaced = (by: readonly Field[]) => fields.toSpliced(at, 1, ...by);
  const other = fields[value % fields.length] ?? field;
  switch (kind) {
    case "name":
      return replaced([{ ...field, name: changeText(field.name, value, length) }]);
    case "value":
      return replaced([{ ...field, value: changeText(String(field.value), value, length) }]);
    case "drop":
      return replaced([]);
    case "double":
      return replaced([field, { ...field, name: field.name.toUpperCase() }]);
    case "join":
      return replaced([{ ...field, value: `${field.value},${other.value}` }]);
    case "raw":
      return replaced([{ ...field, list: "raw" }]);
    default:
      return replaced([field, { list: "extension", name: other.name, value: field.value }]);
  }
}

function changeText(text: string, value: number, length: number): string {
  const at = length % (text.length + 1);
  return text.slice(0, at) + String.fromCharCode(value) + text.slice(at + (value & 1));
}

function changeBytes(bytes: Buffer, other: Buffer, [kind, part, value, length]: Change): Buffer {
  const at = Math.floor(part * bytes.length);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case "flip":
      return Buffer.concat([
        before,
        after.subarray(0, 1).map((byte) => byte ^ (1 << (value & 7))),
        after.subarray(1),
      ]);
    case "set":
      return Buffer.concat([before, Buffer.alloc(Math.min(1, after.length), value), after.subarray(1)]);
    case "insert":
      return Buffer.concat([before, Buffer.alloc(length & 7, value), after]);
    case "remove":
      return Buffer.concat([before, after.subarray(length)]);
    case "repeat":
      return Buffer.concat([before, after.subarray(0, length), after]);
    case "cut":
      return before;
    default:
      return Buffer.concat([before, other.subarray(Math.floor((value / 256) * other.length))]);
  }
}
