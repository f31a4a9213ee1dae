import { UserError } from "@hatchery/config";
import { describe, expect, test } from "vitest";
import { shippedWeather } from "./climate.ts";
import { hoursPerYear, readWeather, weatherColumns, type Weather } from "./weather.ts";

const weather = shippedWeather("greensboro");

function digits(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

function stamps(): string[][] {
  return Array.from({ length: hoursPerYear }, (_, hour) => {
    const date = new Date(Date.UTC(1990, 0, 1, hour));
    return [
      digits(date.getUTCMonth() + 1, 2),
      digits(date.getUTCDate(), 2),
      digits((hour % 24) + 1, 2),
    ];
  });
}

/** The first hour of NREL's file for Greensboro, for the fields that are not read. */
const tmy3Line =
  "0,0,{ghi},1,0,{dni},1,0,{dhi},1,0,0,1,0,0,1,0,0,1,0,0,1,0,10,A,7,10,A,7,{dry},A,7,6.1,A,7,77,A,7,993,A,7,200,A,7,6.2,A,7,16100,B,7,1370,A,7,1.5,E,8,0.000,?,0,0.00,?,0,0,1,D,9";
const tmy3Header =
  "Date (MM/DD/YYYY),Time (HH:MM),ETR (W/m^2),ETRN (W/m^2),GHI (W/m^2),GHI source,GHI uncert (%),DNI (W/m^2),DNI source,DNI uncert (%),DHI (W/m^2),DHI source,DHI uncert (%),GH illum (lx),GH illum source,Global illum uncert (%),DN illum (lx),DN illum source,DN illum uncert (%),DH illum (lx),DH illum source,DH illum uncert (%),Zenith lum (cd/m^2),Zenith lum source,Zenith lum uncert (%),TotCld (tenths),TotCld source,TotCld uncert (code),OpqCld (tenths),OpqCld source,OpqCld uncert (code),Dry-bulb (C),Dry-bulb source,Dry-bulb uncert (code),Dew-point (C),Dew-point source,Dew-point uncert (code),RHum (%),RHum source,RHum uncert (code),Pressure (mbar),Pressure source,Pressure uncert (code),Wdir (degrees),Wdir source,Wdir uncert (code),Wspd (m/s),Wspd source,Wspd uncert (code),Hvis (m),Hvis source,Hvis uncert (code),CeilHgt (m),CeilHgt source,CeilHgt uncert (code),Pwat (cm),Pwat source,Pwat uncert (code),AOD (unitless),AOD source,AOD uncert (code),Alb (unitless),Alb source,Alb uncert (code),Lprecip depth (mm),Lprecip quantity (hr),Lprecip source,Lprecip uncert (code)";

function filled(template: string, from: Weather, hour: number): string {
  return template
    .replace("{ghi}", String(from.globalHorizontal[hour]))
    .replace("{dni}", String(from.directNormal[hour]))
    .replace("{dhi}", String(from.diffuseHorizontal[hour]))
    .replace("{dry}", from.dryBulb[hour]!.toFixed(1));
}

function toTmy3(from: Weather): string[] {
  const hours = stamps().map(
    ([month, day, hour], i) => `${month}/${day}/1988,${hour}:00,${filled(tmy3Line, from, i)}`,
  );
  const place = `723170,"${from.station}",NC,-5.0,36.100,-79.950,273`;
  return [place, tmy3Header, ...hours];
}

function toEpw(from: Weather): string[] {
  const header = [
    "LOCATION,GREENSBORO PIEDMONT TRIAD INT,NC,USA,TMY3,723170,36.10,-79.95,-5.0,273.0",
    "DESIGN CONDITIONS,0",
    "TYPICAL/EXTREME PERIODS,0",
    "GROUND TEMPERATURES,0",
    "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
    "COMMENTS 1,none",
    "COMMENTS 2,none",
    "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31",
  ];
  const line =
    "60,A7A7A7A7,{dry},6.1,77,99300,0,0,340,{ghi},{dni},{dhi},0,0,0,0,200,6.2,10,10,16.1,1370,9,999999999,15,0.0000,0,88,0.000,0.0,0.0";
  const hours = stamps().map(
    ([month, day, hour], i) =>
      `1988,${Number(month)},${Number(day)},${Number(hour)},${filled(line, from, i)}`,
  );
  return [...header, ...hours];
}

/** 15:00 on 1 January of NREL's file for Miami, with its irradiances and its temperature made changeable. */
function toTmy2(from: Weather): string[] {
  const hours = stamps().map(([month, day, hour], i) => {
    const ghi = digits(from.globalHorizontal[i]!, 4);
    const dni = digits(from.directNormal[i]!, 4);
    const dhi = digits(from.diffuseHorizontal[i]!, 4);
    const tenths = Math.round(from.dryBulb[i]! * 10);
    const dry = tenths < 0 ? `-${digits(-tenths, 3)}` : digits(tenths, 4);
    return ` 62${month}${day}${hour}09311415${ghi}I4${dni}I4${dhi}I50171I40005I40168I50675I510A710A7${dry}A70183A7097A71015A7203A7041A70064A702438A70909099099020F8062F8000A788E7`;
  });
  return [" 12839 MIAMI                  FL  -5 N 25 48 W  80 16     2", ...hours];
}

/** The largest difference in any hour and column. */
function difference(found: Weather, expected: Weather): number {
  return Math.max(
    ...weatherColumns.flatMap((column) =>
      Array.from(found[column], (value, hour) => Math.abs(value - expected[column][hour]!)),
    ),
  );
}

describe("a good file", () => {
  test("in TMY3 gives every hour and the place", () => {
    const read = readWeather(toTmy3(weather).join("\r\n"), "greensboro.csv");
    expect(read).toEqual(weather);
  });

  test("in EPW gives the same hours and the same place as in TMY3", () => {
    const read = readWeather(`${toEpw(weather).join("\n")}\n`, "greensboro.epw");
    expect(read).toEqual(weather);
  });

  test("in TMY2 gives every hour, and degrees and minutes as degrees", () => {
    const miami = shippedWeather("miami");
    const read = readWeather(toTmy2(miami).join("\n"), "12839.tm2");
    expect(difference(read, miami)).toBeLessThan(1e-9);
    expect(read).toMatchObject({ station: "MIAMI", timeZone: -5, elevation: 2 });
    expect(read.latitude).toBeCloseTo(25.8, 9);
    expect(read.longitude).toBeCloseTo(-80.266667, 6);
  });

  test("in TMY2 may be colder than freezing", () => {
    const read = readWeather(toTmy2(weather).join("\n"), "cold.tm2");
    expect(Math.min(...read.dryBulb)).toBeLessThan(-10);
    expect(difference(read, weather)).toBeLessThan(1e-9);
  });
});

/** The message that refuses the file. */
function refusal(lines: readonly string[], name = "bad.csv"): string {
  try {
    readWeather(lines.join("\n"), name);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error("The file was read.");
}

function changed(lines: string[], line: number, change: (text: string) => string): string[] {
  return lines.with(line - 1, change(lines[line - 1]!));
}

describe("a bad file", () => {
  test("with letters in a number names line, field, value and what is allowed", () => {
    const lines = changed(toTmy3(weather), 15, (line) =>
      line.replace(",A,7,6.1,A,7,77", "x,A,7,6.1,A,7,77"),
    );
    expect(refusal(lines)).toBe(
      '"bad.csv" is not a good TMY3 weather file:\n' +
        '  line 15, Dry-bulb (C): "11.7x" is not a number; must be from -70 to 70 °C.',
    );
  });

  test("with an empty field is refused", () => {
    const lines = changed(toEpw(weather), 20, (line) => line.replace(/(A7A7A7A7),[^,]+/, "$1,"));
    expect(refusal(lines, "bad.epw")).toContain(
      'line 20, Dry Bulb Temperature: "" is not a number; must be from -70 to 70 °C.',
    );
  });

  test("with a missing temperature (99.9) or irradiance (9999) is refused", () => {
    const lines = changed(toEpw(weather), 9, (line) =>
      line.replace(/(A7A7A7A7),[^,]+/, "$1,99.9").replace(",340,0,", ",340,9999,"),
    );
    expect(refusal(lines, "bad.epw")).toBe(
      '"bad.epw" is not a good EPW weather file:\n' +
        '  line 9, Dry Bulb Temperature: "99.9" is 99.9 °C; must be from -70 to 70 °C.\n' +
        '  line 9, Global Horizontal Radiation: "9999" is 9999 W/m²; must be from 0 to 1500 W/m².',
    );
  });

  test("in TMY2 names the value as it stands and what it means", () => {
    const lines = changed(
      toTmy2(weather),
      30,
      (line) => `${line.slice(0, 67)}9999${line.slice(71)}`,
    );
    expect(refusal(lines, "bad.tm2")).toContain(
      'line 30, dry-bulb temperature: "9999" is 999.9 °C; must be from -70 to 70 °C.',
    );
  });

  test.each([
    {
      name: "cut.csv",
      lines: toTmy3(weather),
      problem: "has 22 fields; must have 68, as line 2 has.",
    },
    {
      name: "cut.epw",
      lines: toEpw(weather),
      problem: "has 18 fields; must have 35, as line 9 has.",
    },
    { name: "cut.tm2", lines: toTmy2(weather), problem: "has 60 characters; must have 142." },
  ])("with a line cut short is refused ($name)", ({ name, lines, problem }) => {
    const cut = changed(lines, 4000, (line) => line.slice(0, 60));
    expect(refusal(cut, name)).toContain(`line 4000 ${problem}`);
  });

  test("that ends early tells how many hours are there", () => {
    expect(refusal(toTmy3(weather).slice(0, -24))).toBe(
      '"bad.csv" is not a good TMY3 weather file:\n' +
        "  8736 hours are there, to line 8738; must be 8760, from 1 January to 31 December without 29 February.",
    );
  });

  test("with an hour left out names the first line that is out of order", () => {
    expect(refusal(toTmy3(weather).toSpliced(102, 1))).toBe(
      '"bad.csv" is not a good TMY3 weather file:\n' +
        '  line 103, month, day and hour: "01 05 06" is out of order; must be "1 5 5".\n' +
        "  8759 hours are there, to line 8761; must be 8760, from 1 January to 31 December without 29 February.",
    );
  });

  test("with a place that is none is refused", () => {
    const lines = changed(toTmy3(weather), 1, (line) => line.replace("36.100", "136.1"));
    expect(refusal(lines)).toContain(
      'line 1, latitude: "136.1" is 136.1 degrees; must be from -90 to 90 degrees.',
    );
    const north = changed(toTmy2(weather), 1, (line) => line.replace("N 25 48", "N xx 48"));
    expect(refusal(north, "bad.tm2")).toContain('line 1, latitude: "N xx 48" is not a number');
  });

  test("with hundreds of problems lists ten and counts the rest", () => {
    const lines = toTmy3(weather).map((line, i) =>
      i > 1 ? line.replace(",A,7,6.1,A,7,77", "?,A,7,6.1,A,7,77") : line,
    );
    expect(refusal(lines).split("\n")).toHaveLength(12);
    expect(refusal(lines)).toMatch(/and 8750 more\.$/);
  });

  test.each(["", "<html>", "a,b,c\n1,2,3"])("of no known format is refused (%j)", (text) => {
    expect(refusal(text.split("\n"), "page.html")).toContain(
      '"page.html" is no weather file that can be read: it must be TMY3',
    );
  });
});
