/**
 * Makes a climate file of this folder from a weather file (TMY3, TMY2 or EPW):
 *
 *   node pack.ts 723170TYA.CSV > greensboro.json
 *   node pack.ts 703165TY.CSV > sand-point.json
 *   node pack.ts 12839.tm2 > miami.json
 *
 * The three are works of the US government (NREL, National Solar Radiation Data Base) and lie in `pvlib/data` of the
 * Python package pvlib.
 */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { packWeather } from "../climate.ts";
import { readWeather } from "../weather.ts";

const file = process.argv[2] ?? "";
const name = basename(file);
process.stdout.write(packWeather(readWeather(readFileSync(file, "utf8"), name), name));
