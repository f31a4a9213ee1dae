import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSampleDataset } from "./sample-dataset.ts";
import type { Summary } from "./summary-format.ts";
import { summarize } from "./summary.ts";
import { summaryText } from "./summary-text.ts";

let folder: string;
let summary: Summary;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-test-"));
  summary = await summarize(await writeSampleDataset(folder));
});
afterAll(() => rm(folder, { recursive: true }));

test("a summary fits 80 columns", () => {
  const text = summaryText(summary, { columns: 80, color: false });
  expect(Math.max(...text.split("\n").map((line) => Array.from(line).length))).toBeLessThanOrEqual(
    80,
  );
  expect(text).toMatchInlineSnapshot(`
    "building-energy/20261121-093000-k3f9
    9,836 done + 152 failed + 12 not run = 10,000 simulations
    in 3 min 12 s, 51.91 a second
    ██████████████████████████████████████████████████████████████████████████████▒░

    Result                   mean        sd       5 %    median      95 %
    heatingKwhPerM2         57.86      44.9         0     50.67     142.4 ▇▅▅▃▂▂▁▁▁▁
    coolingKwhPerM2         12.22     12.34         0     9.346     36.89 ▇▃▂▂▁▁▁▁▁▁
    lightingKwhPerM2        15.32     5.861     6.748     14.97     25.68 ▃▇▇▇▇▅▃▂▁▁
    peakHeatingWPerM2       45.61     21.71     17.21     41.82     87.09 ▂▇▇▅▃▂▁▁▁▁
    peakCoolingWPerM2       46.13     18.98     21.52     42.49     83.75 ▂▅▇▅▃▂▂▁▁▁
    overheatingHours        337.1     265.6         0       318     805.3 ▇▃▃▃▂▂▁▁▁▁
    energyCostEurPerM2      12.52     4.459     6.097     12.02     20.69 ▂▅▇▅▃▂▁▁▁▁

    Share of the variance that goes with one parameter, and how the mean moves
    heatingKwhPerM2
      climate                        ━━━━━━━━━━━━━━━━             63.7 % ▇▅▂▁
      windowUValueWPerM2K            ━━                            6.8 % ▁▁▂▃▃▃▅▅▇▇
      heatRecovery                   ━                             4.3 % ▇▁
    coolingKwhPerM2
      windowRatio                    ━━━━━                        19.6 % ▁▁▂▂▃▃▅▅▅▇
      climate                        ━━━━━                        18.4 % ▁▂▅▇
      equipmentWPerM2                ━━━                          12.9 % ▁▁▂▂▂▃▃▅▅▇
    lightingKwhPerM2
      lightingWPerM2                 ━━━━━━━━━━━━━━━━━━━━         81.8 % ▁▁▂▂▃▃▅▅▇▇
      windowRatio                    ━━━━                         15.9 % ▇▅▅▃▃▂▂▂▁▁
    peakHeatingWPerM2
      climate                        ━━━━━━━━━━━━                 48.7 % ▇▅▂▁
      windowUValueWPerM2K            ━━━                          11.9 % ▁▁▂▃▃▃▅▅▇▇
      windowRatio                    ━━                            8.8 % ▁▁▂▂▃▃▅▅▇▇
    peakCoolingWPerM2
      windowRatio                    ━━━━━━━━━━━━                 48.6 % ▁▁▂▂▃▃▅▅▇▇
      solarTransmittance             ━━━━━                        21.8 % ▁▁▂▂▃▃▅▅▇▇
      orientationDegrees             ━━                           10.0 % ▇▅▃▂▁▁▂▃▅▇
    overheatingHours
      climate                        ━━━━━━━━━━━━━                53.4 % ▁▂▅▇
      windowRatio                    ━━━━                         15.8 % ▁▁▂▂▃▃▅▅▇▇
      solarTransmittance             ━━                            9.3 % ▁▁▂▂▃▃▅▅▅▇
    energyCostEurPerM2
      climate                        ━━━━━━━━━━━━━                53.9 % ▇▅▂▁
      lightingWPerM2                 ━━━                          10.7 % ▁▁▂▂▃▃▅▅▅▇
      windowUValueWPerM2K            ━                             5.7 % ▁▁▂▃▃▃▅▅▇▇

    Failed
           76  timeout        Took longer than 5 s.                         first: 7
           76  error                                                       first: 73
               Heat balance did not converge: <b>residual</b> & "flux" in zone 3
    Not run
           12  cancelled                                                 first: 9988
    "
  `);
});

test("colour adds nothing but colour", () => {
  const plain = summaryText(summary, { columns: 80, color: false });
  const coloured = summaryText(summary, { columns: 80, color: true });
  expect(coloured).not.toBe(plain);
  expect(stripVTControlCharacters(coloured).replaceAll(/ +$/gm, "")).toBe(plain);
});

test("one failure in a million is seen in the bar, and the bar is no longer for it", () => {
  const rare = { ...summary, done: 999_999, failed: 1, notRun: 0, total: 1_000_000 };
  const text = summaryText(rare, { columns: 80, color: false });
  expect(text.split("\n")[3]).toBe(`${"█".repeat(79)}▒`);
});

test("an experiment of which nothing ran says so, and no more", () => {
  const nothing: Summary = {
    ...summary,
    done: 0,
    failed: 0,
    notRun: summary.total,
    results: [],
    sensitivities: [],
    failures: [],
    notRunCauses: [{ cause: "cancelled", count: summary.total, example: 0 }],
  };
  const lines = summaryText(nothing, { columns: 80, color: false }).split("\n");
  expect(lines[1]).toBe("0 done + 0 failed + 10,000 not run = 10,000 simulations");
  expect(lines).toHaveLength(8);
});

const withFailure = (cause: string, message: string): Summary => ({
  ...summary,
  failures: [{ cause, fingerprint: "", message, count: 20, example: 0 }],
  notRunCauses: [],
});
const failureLines = (failed: Summary) => {
  const lines = summaryText(failed, { columns: 80, color: false }).trimEnd().split("\n");
  return lines.slice(lines.indexOf("Failed") + 1);
};

test("a cause and a message that do not fit one line are shown in full", () => {
  expect(
    failureLines(
      withFailure(
        "invalid results",
        `left: Invalid input: expected number, received string; right: ${"x".repeat(75)} is no number`,
      ),
    ),
  ).toEqual([
    "       20  invalid results                                              first: 0",
    "           left: Invalid input: expected number, received string; right:",
    `           ${"x".repeat(69)}`,
    "           xxxxxx is no number",
  ]);
});

test("the longest message takes five lines, and its cut is seen", () => {
  const [, ...message] = failureLines(withFailure("error", "word ".repeat(200)));
  expect(message).toHaveLength(5);
  expect(message.map((line) => line.endsWith("…"))).toEqual([false, false, false, false, true]);
  expect(Math.max(...message.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test("a message with control characters cannot steer the terminal", () => {
  const wild: Summary = {
    ...summary,
    failures: [
      { cause: "error", fingerprint: "", message: "\u001b[2Jgone\nand more", count: 1, example: 3 },
    ],
  };
  const text = summaryText(wild, { columns: 80, color: false });
  expect(text).not.toContain("\u001b");
  expect(text).toContain("[2Jgone and more");
});
