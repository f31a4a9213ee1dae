/**
 * Units: what a column is measured in. In brackets at the end of its description ("Floor area (m²)"),
 * else in the last words of its name, as our names have them: heatingKwhPerM2, wallUValueWPerM2K.
 */
import type { Column } from "./columns.ts";

const symbols: Readonly<Record<string, string>> = {
  Kwh: "kWh",
  Mwh: "MWh",
  Wh: "Wh",
  Mj: "MJ",
  Kj: "kJ",
  J: "J",
  Mw: "MW",
  Kw: "kW",
  W: "W",
  Pa: "Pa",
  Kpa: "kPa",
  Bar: "bar",
  N: "N",
  Kn: "kN",
  M2: "m²",
  M3: "m³",
  M: "m",
  Km: "km",
  Cm: "cm",
  Mm: "mm",
  M2K: "m²K",
  Mk: "mK",
  C: "°C",
  K: "K",
  Degrees: "°",
  Percent: "%",
  Lux: "lx",
  Ppm: "ppm",
  Kg: "kg",
  G: "g",
  Tonnes: "t",
  L: "l",
  Litres: "l",
  Mol: "mol",
  Hz: "Hz",
  V: "V",
  A: "A",
  Ms: "ms",
  Seconds: "s",
  S: "s",
  Minutes: "min",
  Hours: "h",
  H: "h",
  Days: "d",
  Years: "a",
  Year: "a",
  Usd: "USD",
  Eur: "EUR",
};

export function unitOf({ name, description }: Pick<Column, "name" | "description">): string {
  const bracketed = /[([]([^()[\]]{1,16})[)\]]\.?$/.exec(description ?? "")?.[1];
  if (bracketed !== undefined) return bracketed;
  const words = name.split(/(?=[A-Z])/);
  // M2K and the like: what follows "Per" reads as one.
  const [above, below] = splitAtPer(words);
  const over = symbols[below?.join("") ?? ""];
  const unit = symbols[above.at(-1) ?? ""];
  // A name that is nothing but a unit's letter ("C", "K") is a symbol of the model's own.
  if (unit === undefined || above.length < 2) return "";
  return below === undefined ? unit : over === undefined ? "" : `${unit}/${over}`;
}

function splitAtPer(words: readonly string[]): [string[], string[] | undefined] {
  const per = words.lastIndexOf("Per");
  return per < 0 ? [[...words], undefined] : [words.slice(0, per), words.slice(per + 1)];
}
