// Reads the text that node makes of a certificate's subjectAltName. A name with a comma, a quote or a control
// character in it stands there as a JSON string (CVE-2021-44532): it must not be taken for several names.

export interface AltName {
  /** As node spells it: `DNS`, `URI`, `IP Address`, … */
  readonly type: string;
  readonly value: string;
}

/** One name and what ends it: a type, then text without quotes and commas or whole JSON strings. */
const NAME = /([A-Za-z][A-Za-z0-9 ]*):((?:[^",]|"(?:[^"\\]|\\.)*")*)(, |$)/y;
const QUOTED = '"';

/**
 * The names that stand there unquoted: one that node had to quote is no name that anybody could mean. None at
 * all when the text is not of this form.
 */
export function parseAltNames(text: string): readonly AltName[] {
  const names: AltName[] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < text.length) {
    const [, type = "", value = "", end] = NAME.exec(text) ?? [];
    if (end === undefined || (end !== "" && NAME.lastIndex === text.length)) return [];
    if (!value.includes(QUOTED)) names.push({ type, value });
  }
  return names;
}
