// A planted bug cannot vanish unseen: its text is in the program exactly once, and a replacement that is not
// made stops the start.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PROJECT, useProcesses } from "../../process.ts";
import { COMMON_SETTINGS } from "../../stores.ts";
import { MAIN } from "../fleet/fleet.ts";
import { type Plant, planted, plantedStart } from "./planted-bug.ts";
import { PLAIN_PLANTS, RARE_PLANTS } from "./plants.ts";

const PLANT: Plant = { name: "b for x", file: "x.ts", find: "x", replace: "b" };

describe("a replacement", () => {
  it("is made where its text is once", () => {
    expect(planted("axc", PLANT)).toBe("abc");
    // Not as a pattern of what was found.
    expect(planted("axc", { ...PLANT, replace: "$&" })).toBe("a$&c");
  });

  it.each(["ac", "axxc"])("is refused in %j", (text) => {
    expect(() => planted(text, PLANT)).toThrow("and not once");
  });

  it.each([...PLAIN_PLANTS, ...RARE_PLANTS])("is possible: $name", (plant) => {
    const text = readFileSync(join(PROJECT, plant.file), "utf8");
    expect(planted(text, plant)).not.toBe(text);
  });
});

describe("the program with a planted bug", () => {
  const processes = useProcesses();
  const launch = (plant: Plant) => {
    const { nodeArguments, settings, prints } = plantedStart(plant);
    const cwd = processes.folder();
    const command = [process.execPath, ...nodeArguments, MAIN] as const;
    const store = { FLEETKEY_STORE: `sqlite:${join(cwd, "fleetkey.db")}` };
    const run = processes.launch(
      { ...COMMON_SETTINGS, ...store, ...settings },
      { cwd, command: [...command] },
    );
    return { run, prints };
  };

  it("has it, and says so", async () => {
    const file = "src/config/welcome.ts";
    const { run, prints } = launch({
      name: "another greeting",
      file,
      find: "is listening on",
      replace: "hears",
    });
    await run.printed(/fleetkey hears \S+\n/);
    expect(run.stderr).toContain(prints);
  });

  it("does not start when the text to replace is not there", async () => {
    const { run } = launch({
      name: "nothing",
      file: "src/config/welcome.ts",
      find: "no such text",
      replace: "",
    });
    expect(await run.end()).toMatchObject({ code: 1 });
    expect(run.stderr).toContain("and not once");
  });
});
