/**
 * Every model and study by name: what `hatchery run <name>`, `hatchery study <name>` and the workers look in.
 * A new one is added here.
 */
import type { Model, Study } from "@hatchery/experiment";
import { buildingEnergy } from "./building-energy/index.ts";
import { coolingFin } from "./cooling-fin/index.ts";
import { epidemic } from "./epidemic/index.ts";
import { pi } from "./pi/index.ts";
import { coolingSurface } from "./studies/cooling-surface.ts";
import { wallInsulation } from "./studies/wall-insulation.ts";

export const models: Record<string, Model> = {
  [buildingEnergy.name]: buildingEnergy,
  [coolingFin.name]: coolingFin,
  [epidemic.name]: epidemic,
  [pi.name]: pi,
};

export const studies: Record<string, Study> = {
  [coolingSurface.name]: coolingSurface,
  [wallInsulation.name]: wallInsulation,
};
