/** Every model by name: what `hatchery run <name>` and the workers look in. A new model is added here. */
import type { Model } from "@hatchery/experiment";
import { buildingEnergy } from "./building-energy/index.ts";
import { coolingFin } from "./cooling-fin/index.ts";
import { epidemic } from "./epidemic/index.ts";
import { pi } from "./pi/index.ts";

export const models: Record<string, Model> = {
  [buildingEnergy.name]: buildingEnergy,
  [coolingFin.name]: coolingFin,
  [epidemic.name]: epidemic,
  [pi.name]: pi,
};
