import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatCount, formatNumber, formatShare } from "./number-format.ts";
import { reportHtml, type ReportExtra } from "./report.ts";
import { ticks } from "./report-charts.ts";
import { sampleExtra, writeSampleDataset } from "./sample-dataset.ts";
import type { Summary } from "./summary-format.ts";
import { summarize } from "./summary.ts";

let folder: string;
let summary: Summary;
let extra: ReportExtra;
let report: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "hatchery-test-"));
  const input = await writeSampleDataset(folder);
  summary = await summarize(input);
  extra = sampleExtra(input);
  report = reportHtml(summary, extra);
});
afterAll(() => rm(folder, { recursive: true }));

test("a report needs nothing but itself", () => {
  expect(report).not.toMatch(/https?:|\/\/|<script|<link|<img|<iframe|@import|url\(|\ssrc=/i);
  const references = [...report.matchAll(/\shref="([^"]*)"/g)].map(([, to]) => to ?? "");
  expect(references).toHaveLength(summary.results.length);
  for (const to of references) expect(report).toContain(`id="${to.slice(1)}"`);
});

test("a report of a sample says so, and one of all simulations does not", () => {
  const sampled = reportHtml({ ...summary, sampled: 10_000 }, extra);
  expect(sampled).toContain("come from 10,000 of the simulations");
  expect(sampled).toContain("right to about 0.5 %");
  expect(sampled).toMatch(/Number of\s+sampled\s+simulations/);
  expect(report).not.toContain("sampled");
});

test("a report of 7 results and 14 parameters is smaller than 200 kB", () => {
  expect(Buffer.byteLength(report)).toBeLessThan(200_000);
});

test("every element is closed in its own order", () => {
  const open: string[] = [];
  const alone = new Set(["meta", "br", "path", "rect", "circle"]);
  for (const [, close, name = ""] of report
    .replace("<!doctype html>", "")
    .matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
    if (alone.has(name)) continue;
    if (close === "") open.push(name);
    else if (open.at(-1) === name) open.pop();
    else open.push(`/${name}`);
  }
  expect(open).toEqual([]);
});

test("the numbers shown are the summary's", () => {
  for (const result of summary.results) {
    const section = report.split(`id="result-${result.name}"`)[1]?.split("</section>")[0] ?? "";
    const shown = [...section.matchAll(/<dt>(.*?)<\/dt>\s*<dd>(.*?)<\/dd>/g)].map(
      ([, label, value]) => [label, value],
    );
    expect(Object.fromEntries(shown)).toMatchObject({
      Mean: formatNumber(result.mean),
      SD: formatNumber(result.standardDeviation),
      Simulations: formatCount(result.count),
      Least: formatNumber(result.minimum),
      "5 %": formatNumber(result.p05),
      "25 %": formatNumber(result.p25),
      Median: formatNumber(result.median),
      "75 %": formatNumber(result.p75),
      "95 %": formatNumber(result.p95),
      Most: formatNumber(result.maximum),
    });
    const shares = [...section.matchAll(/<div class="share">\s*<b>(.*?)<\/b\s*>/g)].map(
      ([, b]) => b,
    );
    const expected = summary.sensitivities
      .filter(({ result: of, share }) => of === result.name && share >= 0.005)
      .slice(0, 5)
      .map(({ share }) => formatShare(share).replace("<", "&lt;").replace(">", "&gt;"));
    expect(shares).toEqual(expected);
    expect(section).toContain(result.description);
  }
});

test("the outcome's parts sum to N in words and in the bar", () => {
  const grows = [...report.matchAll(/flex-grow:([\d.]+)/g)].map(([, grow]) => Number(grow));
  expect(grows).toEqual([0.9836, 0.0152, 0.0012]);
  expect(report).toContain("<b>9,836</b> done");
  expect(report).toContain("<b>10,000</b> simulations");
});

test("a unit stands beside the numbers it belongs to", () => {
  expect(report).toContain('<td class="unit wide">kWh/m²</td>');
  expect(report).toMatch(/median [\d.]+ kWh\/m²/);
});

test("a failure is shown with its message as text and the command that replays it", () => {
  expect(report).toContain("did not converge: &lt;b&gt;residual&lt;/b&gt; &amp; &quot;flux&quot;");
  expect(report).toContain("hatchery replay building-energy/20261121-093000-k3f9 73");
});

test("no text of a model, an address or a person becomes markup", () => {
  const evil = `"><script>alert('x')</script>`;
  const hostile = reportHtml(
    {
      ...summary,
      experiment: `${evil}/${evil}`,
      model: evil,
      design: evil,
      stage: evil,
      closedAt: evil,
      failures: [{ cause: evil, fingerprint: evil, message: evil, count: 1, example: 1 }],
      notRunCauses: [{ cause: evil, count: 1, example: 1 }],
      results: summary.results.map((result) => ({ ...result, name: evil, description: evil })),
      sensitivities: summary.sensitivities.map(({ bins, ...sensitivity }) => ({
        ...sensitivity,
        result: evil,
        parameter: evil,
        bins: bins.map((bin) => ({ ...bin, label: evil })),
      })),
    },
    {
      ...extra,
      modelDescription: evil,
      parameterColumns: [{ name: evil, kind: "number", description: evil }],
      resultColumns: [{ name: evil, kind: "number", description: evil }],
      resultsAddress: evil,
      failuresAddress: evil,
      provenance: [[evil, evil]],
    },
  );
  expect(hostile).not.toContain("<script");
  expect(hostile).not.toMatch(/[^;]"><scr/);
});

test("what a plan did not say is left out, and what it said is compared", () => {
  expect(report).toMatch(
    /<th>Time, from submit[^<]*<\/th>\s*<td class="n">3 min<\/td>\s*<td class="n">3 min 12 s<\/td>\s*<td class="n quiet">\+7 %/,
  );
  const { planned: _, actual: __, ...unplanned } = extra;
  const bare = reportHtml(summary, unplanned);
  expect(bare).not.toContain("<th>Cost</th>");
  expect(bare).not.toContain("<th>Slots</th>");
});

test("an experiment of which nothing is done still has a report", () => {
  const nothing = reportHtml(
    {
      ...summary,
      done: 0,
      failed: 0,
      notRun: 10_000,
      results: [],
      sensitivities: [],
      failures: [],
    },
    extra,
  );
  expect(nothing).toContain("No simulation is done");
  expect(nothing).not.toMatch(/NaN|undefined|Infinity/);
});

test("a constant result and one simulation have figures without holes", () => {
  const [first] = summary.results;
  if (first === undefined) throw new Error("The sample has results.");
  const same = { minimum: 3, p05: 3, p25: 3, median: 3, p75: 3, p95: 3, maximum: 3, mean: 3 };
  const constant = reportHtml(
    {
      ...summary,
      results: [
        { ...first, ...same, standardDeviation: 0, histogram: { edges: [3, 3], counts: [1] } },
      ],
      sensitivities: [],
    },
    extra,
  );
  expect(constant).not.toMatch(/NaN|undefined|Infinity/);
  expect(report).not.toMatch(/NaN|undefined|Infinity/);
});

test("ticks are round numbers within the range", () => {
  expect(ticks(0, 147, 5)).toEqual([0, 20, 40, 60, 80, 100, 120, 140]);
  expect(ticks(0.05, 0.93, 4)).toEqual([0.2, 0.4, 0.6, 0.8]);
  expect(ticks(-3e-7, 3e-7, 3)).toEqual([-2e-7, 0, 2e-7]);
  expect(ticks(5, 5, 4)).toEqual([5]);
});
