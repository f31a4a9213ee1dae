/**
 * Sunlight on a tilted surface. Sky: the anisotropic model of Hay and Davies (1980), as in Duffie and Beckman,
 * "Solar Engineering of Thermal Processes", section 2.15: a circumsolar part that comes from where the sun is, and an
 * even rest. Ground: even reflection. Extraterrestrial irradiance: Spencer (1971).
 */
import type { SunPosition } from "./sun.ts";

const radian = Math.PI / 180;

/** Share of sunlight that bare ground and grass reflect; ISO 13790 and most programs take the same. */
export const groundReflectance = 0.2;

/** W/m²; the value that Spencer's series is used with by pvlib. Today's measurements say 1361. */
const solarConstant = 1366.1;

/** Below 1 degree above the horizon the circumsolar part would be divided by almost nothing; pvlib's bound. */
export const lowestCosine = 0.01745;

export interface Sky {
  /** Beam on a surface that faces the sun (DNI), W/m². */
  readonly directNormal: number;
  /** From the sky on a horizontal surface (DHI), W/m². */
  readonly diffuseHorizontal: number;
  /** All on a horizontal surface (GHI), W/m². */
  readonly globalHorizontal: number;
  /** Beam above the atmosphere, W/m²: `extraterrestrialNormal`. */
  readonly extraterrestrialNormal: number;
}

export interface Irradiance {
  readonly direct: number;
  readonly skyDiffuse: number;
  readonly groundDiffuse: number;
  readonly total: number;
}

/** Beam above the atmosphere on a day of the year (1 is 1 January), W/m². */
export function extraterrestrialNormal(dayOfYear: number): number {
  const angle = (2 * Math.PI * (dayOfYear - 1)) / 365;
  return (
    solarConstant *
    (1.00011 +
      0.034221 * Math.cos(angle) +
      0.00128 * Math.sin(angle) +
      0.000719 * Math.cos(2 * angle) +
      0.000077 * Math.sin(2 * angle))
  );
}

/** W/m² on a surface: `tilt` from horizontal (90 is a wall), `azimuth` it faces, clockwise from north; degrees. */
export function irradianceOnSurface(
  on: {
    readonly tilt: number;
    readonly azimuth: number;
    readonly sun: SunPosition;
    readonly groundReflectance?: number;
  } & Sky,
): Irradiance {
  const zenith = on.sun.zenith * radian;
  const tilt = on.tilt * radian;
  const cosIncidence = Math.max(
    0,
    Math.cos(zenith) * Math.cos(tilt) +
      Math.sin(zenith) * Math.sin(tilt) * Math.cos((on.sun.azimuth - on.azimuth) * radian),
  );
  const circumsolar = on.directNormal / on.extraterrestrialNormal;
  const direct = on.directNormal * cosIncidence;
  const skyDiffuse =
    on.diffuseHorizontal *
    ((circumsolar * cosIncidence) / Math.max(Math.cos(zenith), lowestCosine) +
      ((1 - circumsolar) * (1 + Math.cos(tilt))) / 2);
  const groundDiffuse =
    (on.globalHorizontal * (on.groundReflectance ?? groundReflectance) * (1 - Math.cos(tilt))) / 2;
  return { direct, skyDiffuse, groundDiffuse, total: direct + skyDiffuse + groundDiffuse };
}
