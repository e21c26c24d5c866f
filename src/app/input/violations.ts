// Collects everything that is wrong with a request, so that its sender can mend it in one go. Paths are those
// of the proto fields; what a field holds is never repeated in a description, because it could be a secret in
// a wrong place.
import { invalidArgument, type Violation } from "../../domain/errors.ts";

// C0, DEL and C1: they have no place in an id or a name and can forge lines in whatever prints them.
const CONTROL_CHARACTERS = /\p{Cc}/u;

export class Violations {
  readonly #found: Violation[];
  readonly #path: string;

  /** `path` is what precedes the fields, such as `key.`. */
  constructor(path = "", found: Violation[] = []) {
    this.#path = path;
    this.#found = found;
  }

  /** The same list, for the fields of the message in this field. */
  within(field: string): Violations {
    return new Violations(`${this.#path}${field}.`, this.#found);
  }

  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  add(field: string, description: string): void {
    this.#found.push({ field: this.#path + field, description });
  }

  /**
   * Text of at most `bytesMax` bytes of UTF-8, without control characters. Gives undefined for an empty one.
   */
  text(
    field: string,
    value: string,
    rule: { readonly bytesMax: number; readonly isRequired?: boolean; readonly pattern?: RegExp },
  ): string | undefined {
    if (value === "") {
      if (rule.isRequired) this.add(field, "is required");
      return undefined;
    }
    if (Buffer.byteLength(value) > rule.bytesMax) this.add(field, `must be at most ${rule.bytesMax} bytes`);
    else if (!value.isWellFormed()) this.add(field, "must be well-formed Unicode");
    else if (CONTROL_CHARACTERS.test(value)) this.add(field, "must not hold control characters");
    else if (rule.pattern && !rule.pattern.test(value)) this.add(field, `must match ${rule.pattern.source}`);
    return value;
  }

  /** One of a list; undefined when it is left out. */
  oneOf<Choice extends string>(
    field: string,
    value: string | undefined,
    choices: readonly Choice[],
    rule: { readonly isRequired?: boolean } = {},
  ): Choice | undefined {
    if (value === undefined) {
      if (rule.isRequired) this.add(field, "is required");
      return undefined;
    }
    const choice = choices.find((candidate) => candidate === value);
    if (choice === undefined) this.add(field, `must be one of ${choices.join(", ")}`);
    return choice;
  }

  /** Throws `invalid_argument` with all of them, if there are any. */
  throwIfAny(): void {
    if (this.#found.length > 0) throw invalidArgument(this.#found);
  }
}
