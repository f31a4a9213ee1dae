/**
 * Where the sun stands: the Astronomical Almanac's low-precision formulas as given by Michalsky, "The Astronomical
 * Almanac's algorithm for approximate solar position (1950–2050)", Solar Energy 40 (1988) 227–235. Error 0.01°.
 */

const radian = Math.PI / 180;
/** 1 January 2000, 12:00 UTC: where the Almanac's formulas count days from. */
const epoch = Date.UTC(2000, 0, 1, 12);

export interface SunPosition {
  /** Angle from the vertical, degrees; above 90 the sun is down. Geometric: without refraction by the air. */
  readonly zenith: number;
  /** Clockwise from north, 0 to 360 degrees. */
  readonly azimuth: number;
}

/** The way to the sun as a vector of length 1. */
export interface SunDirection {
  readonly up: number;
  readonly north: number;
  readonly east: number;
}

/** An instant (`time`: a Date or milliseconds since 1970, UTC) and a place (degrees, north and east positive). */
export interface Viewpoint {
  readonly time: Date | number;
  readonly latitude: number;
  readonly longitude: number;
}

export function sunDirection(from: Viewpoint): SunDirection {
  const days = (Number(from.time) - epoch) / 86_400_000;
  // Whole turns are taken off at once: sines of thousands of turns cost four times as much.
  const meanLongitude = (280.46 + 0.9856474 * days) % 360;
  const anomaly = ((357.528 + 0.9856003 * days) % 360) * radian;
  const ecliptic =
    (meanLongitude + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * radian;
  const obliquity = (23.439 - 0.0000004 * days) * radian;

  const sinEcliptic = Math.sin(ecliptic);
  const rightAscension = Math.atan2(Math.cos(obliquity) * sinEcliptic, Math.cos(ecliptic));
  const sinDeclination = Math.sin(obliquity) * sinEcliptic;
  const cosDeclination = Math.sqrt(1 - sinDeclination * sinDeclination);

  // Greenwich sidereal time, whose day is the turn of the Earth against the stars, at 15 degrees an hour.
  const siderealDegrees = (15 * (18.697375 + 24.0657098242 * days)) % 360;
  const hourAngle = (siderealDegrees + from.longitude) * radian - rightAscension;
  const meridian = cosDeclination * Math.cos(hourAngle);

  const sinLatitude = Math.sin(from.latitude * radian);
  const cosLatitude = Math.cos(from.latitude * radian);
  return {
    up: sinLatitude * sinDeclination + cosLatitude * meridian,
    north: cosLatitude * sinDeclination - sinLatitude * meridian,
    east: -cosDeclination * Math.sin(hourAngle),
  };
}

/** Where the sun stands in the sky, degrees. */
export function sunPosition(from: Viewpoint): SunPosition {
  const { up, north, east } = sunDirection(from);
  return {
    zenith: Math.acos(Math.min(1, Math.max(-1, up))) / radian,
    azimuth: (Math.atan2(east, north) / radian + 360) % 360,
  };
}
