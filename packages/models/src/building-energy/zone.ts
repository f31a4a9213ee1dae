/**
 * One hour of one zone by the simple hourly method of ISO 13790:2008, Annex C (5R1C): five conductances
 * between outdoor air, indoor air, inner surfaces and building mass, and one capacity in the mass.
 */
import { UserError, exitCodes } from "@hatchery/config";

/**
 * The zone's constants, under the standard's own symbols.
 *
 * | key       | ISO 13790 | unit | meaning                                                       |
 * | --------- | --------- | ---- | ------------------------------------------------------------- |
 * | `H_tr_em` | H_tr,em   | W/K  | outdoor air ↔ mass, through opaque elements                   |
 * | `H_tr_w`  | H_tr,w    | W/K  | outdoor air ↔ surfaces, through windows and doors             |
 * | `H_ve`    | H_ve      | W/K  | outdoor air ↔ indoor air, ventilation less its recovered heat |
 * | `H_tr_is` | H_tr,is   | W/K  | indoor air ↔ surfaces; 3.45 W/(m²K) · A_t                     |
 * | `H_tr_ms` | H_tr,ms   | W/K  | mass ↔ surfaces; 9.1 W/(m²K) · A_m                            |
 * | `A_m`     | A_m       | m²   | effective area of the mass                                    |
 * | `A_t`     | A_t       | m²   | area of all surfaces that face the zone; 4.5 · floor area     |
 * | `C_m`     | C_m       | J/K  | heat capacity of the mass                                     |
 */
export interface Zone {
  readonly H_tr_em: number;
  readonly H_tr_w: number;
  readonly H_ve: number;
  readonly H_tr_is: number;
  readonly H_tr_ms: number;
  readonly A_m: number;
  readonly A_t: number;
  readonly C_m: number;
}

/** What drives a zone for an hour: temperatures in °C, heat in W (positive warms the zone). */
export interface Drive {
  /** At the hour's start. */
  readonly massTemperature: number;
  /** Of outdoor air and of supply air, which H_ve carries in. */
  readonly outdoorTemperature: number;
  readonly internalGains: number;
  readonly solarGains: number;
}

export interface Hour extends Drive {
  readonly zone: Zone;
  /** Air temperatures that are kept, °C. Between them the zone floats freely. */
  readonly setpoints: { readonly heating: number; readonly cooling: number };
  /** Most heating and most cooling power, W, both positive; unlimited when absent. */
  readonly capacity?: { readonly heating?: number; readonly cooling?: number };
}

/** Temperatures in °C. */
export interface Temperatures {
  /** At the hour's end (θ_m,t): the next hour's `massTemperature`. */
  readonly massTemperature: number;
  /** Mean of the hour (θ_air). */
  readonly airTemperature: number;
  /** Mean of the hour (θ_s). */
  readonly surfaceTemperature: number;
  /** What a person feels, mean of the hour (θ_op, C.12). */
  readonly operativeTemperature: number;
}

export interface SolvedHour extends Temperatures {
  /** Mean power of the hour, W, never negative. */
  readonly heating: number;
  /** Mean power of the hour, W, never negative. */
  readonly cooling: number;
}

/**
 * The zone's temperatures when `power` (Φ_HC,nd in W, cooling negative) enters the air: equations C.1 to C.12.
 * H_tr,1 · (Φ/H_ve + θ_sup) is written as H_tr,is/(H_tr,is + H_ve) · (Φ + H_ve · θ_sup): the same, but defined
 * for a zone without ventilation too.
 */
export function solveTemperatures(zone: Zone, drive: Drive, power: number): Temperatures {
  const { H_tr_em, H_tr_w, H_ve, H_tr_is, H_tr_ms, A_m, A_t, C_m } = zone;
  const outdoor = drive.outdoorTemperature;

  const air = 0.5 * drive.internalGains; // C.1
  const radiant = 0.5 * drive.internalGains + drive.solarGains;
  const mass = (A_m / A_t) * radiant; // C.2
  const surface = (1 - A_m / A_t - H_tr_w / (9.1 * A_t)) * radiant; // C.3

  const H_tr_1 = (H_tr_is * H_ve) / (H_tr_is + H_ve); // C.6
  const H_tr_2 = H_tr_1 + H_tr_w; // C.7
  const H_tr_3 = (H_tr_2 * H_tr_ms) / (H_tr_2 + H_tr_ms); // C.8
  const byAir = (H_tr_is / (H_tr_is + H_ve)) * (air + power + H_ve * outdoor);
  const share = H_tr_ms / (H_tr_2 + H_tr_ms); // H_tr,3 / H_tr,2
  const total = mass + H_tr_em * outdoor + share * (surface + H_tr_w * outdoor + byAir); // C.5

  const perHour = C_m / 3600;
  const half = 0.5 * (H_tr_3 + H_tr_em);
  const end = (drive.massTemperature * (perHour - half) + total) / (perHour + half); // C.4
  const mean = 0.5 * (drive.massTemperature + end); // C.9
  const surfaceTemperature =
    (H_tr_ms * mean + surface + H_tr_w * outdoor + byAir) / (H_tr_ms + H_tr_2); // C.10
  const airTemperature =
    (H_tr_is * surfaceTemperature + H_ve * outdoor + air + power) / (H_tr_is + H_ve); // C.11
  return {
    massTemperature: end,
    airTemperature,
    surfaceTemperature,
    operativeTemperature: 0.3 * airTemperature + 0.7 * surfaceTemperature, // C.12
  };
}

/** ISO 13790, 7.2.2.2: the surfaces that face a zone are 4.5 times its floor. */
export const surfacePerFloor = 4.5;

/**
 * The hour's ideal heating and cooling by the procedure of C.4.2: float freely, heat by 10 W per m² of floor to
 * learn the zone's slope, reach the setpoint along it (C.13), stay within the capacity.
 * Throws a UserError when the setpoints cross.
 */
export function solveHour({ zone, setpoints, capacity, ...drive }: Hour): SolvedHour {
  if (setpoints.heating > setpoints.cooling)
    throw new UserError(
      `The heating setpoint, ${setpoints.heating} °C, is above the cooling setpoint, ${setpoints.cooling} °C.`,
      { hint: "Give setpoints that do not cross.", exitCode: exitCodes.wrongUsage },
    );
  const free = solveTemperatures(zone, drive, 0);
  const setpoint = Math.min(Math.max(free.airTemperature, setpoints.heating), setpoints.cooling);
  if (free.airTemperature === setpoint) return { heating: 0, cooling: 0, ...free };

  const trialPower = (10 * zone.A_t) / surfacePerFloor;
  const trial = solveTemperatures(zone, drive, trialPower);
  const needed =
    (trialPower * (setpoint - free.airTemperature)) / (trial.airTemperature - free.airTemperature);
  const power = Math.min(
    Math.max(needed, -(capacity?.cooling ?? Infinity)),
    capacity?.heating ?? Infinity,
  );
  return {
    heating: Math.max(0, power),
    cooling: Math.max(0, -power),
    ...solveTemperatures(zone, drive, power),
  };
}
