// Whether this is the long run, with the large counts. The variable has no prefix of the program's: it would
// refuse it as a setting that it does not know.
export const IS_LONG = process.env.TEST_LONG === "1";
