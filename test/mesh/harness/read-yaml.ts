// Reads YAML by the library that test/mesh/install brings, since nothing else in the project needs one.
import { execFileSync } from "node:child_process";
import { PYTHON } from "./binaries.ts";

const PROGRAM = "import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)";

/** A mapping, a list or a scalar. */
export type Yaml = { readonly [name: string]: Yaml } & readonly Yaml[] & string;

export function readDocuments(text: string): readonly Yaml[] {
  return JSON.parse(execFileSync(PYTHON, ["-c", PROGRAM], { input: text, encoding: "utf8" })) as Yaml[];
}
