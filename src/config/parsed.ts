// From a function that parses a setting's text to its schema.
import { z } from "zod";

/** Parses with a function that throws an Error whose message says what is expected. */
export function parsed<Value>(parse: (text: string) => Value) {
  return z.string().transform((text, context): Value => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
      return z.NEVER;
    }
  });
}

/** Parses a whole number between two bounds. */
export function parseWhole(least: number, most: number) {
  return (text: string): number => {
    const number = Number(text);
    if (/^\d{1,15}$/.test(text) && number >= least && number <= most) return number;
    throw new Error(`must be a whole number from ${least} to ${most}`);
  };
}
