// Given to node with --import: puts the bug that the environment names into the module that it names, when
// that one is loaded, and says so on standard error.
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PLANT_VARIABLE, type Plant, planted, plantedSign } from "./planted-bug.ts";

const plant = JSON.parse(process.env[PLANT_VARIABLE] ?? "") as Plant;
const target = pathToFileURL(join(import.meta.dirname, "../../../..", plant.file)).href;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const source = planted(Buffer.from(loaded.source as Uint8Array).toString(), plant);
    process.stderr.write(plantedSign(plant));
    return { ...loaded, source };
  },
});
