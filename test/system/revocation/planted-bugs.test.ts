// The check of histories finds real bugs: each planted one shows up as a violation in a storm over the
// program that has it. Without this a check that finds nothing would prove nothing.
import { expect, it } from "vitest";
import { describeMongo } from "../../mongo-server.ts";
import { IS_LONG } from "../long-run.ts";
import { useProcesses } from "../process.ts";
import { useMongo } from "../stores.ts";
import { useTcpProxy } from "../tcp-proxy.ts";
import { PLAIN_PLANTS, RARE_PLANTS } from "./plants/plants.ts";
import { findPlantedBug } from "./scenario.ts";

/** How many show that the check can fail at all, where there is no time for more. */
const SHORT_PLANTS = 2;
/** Most are found in a few seconds. */
const STORM_MS_MAX = 240_000;
const TEST_TIMEOUT_MS = STORM_MS_MAX + 60_000;

const seed = process.env.TEST_SEED === undefined ? Date.now() % 1_000_000 : Number(process.env.TEST_SEED);

/** The rare ones when they are asked for: no gate may wait for what chance shows. */
const plants =
  process.env.TEST_PLANTS === "all"
    ? [...PLAIN_PLANTS, ...RARE_PLANTS]
    : PLAIN_PLANTS.slice(0, IS_LONG ? undefined : SHORT_PLANTS);

describeMongo(`a planted bug is found (TEST_SEED=${seed}):`, () => {
  const fresh = useMongo();
  const processes = useProcesses();
  const throughProxy = useTcpProxy();

  it.each(plants)(
    "$name",
    async (plant) => {
      const { settings, database } = fresh();
      const storeProxy = () => throughProxy(database.uri);
      const surroundings = { processes, settings, storeProxy };
      const violations = await findPlantedBug(surroundings, plant, { seed, stormMs: STORM_MS_MAX });
      expect(violations).not.toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );
});
