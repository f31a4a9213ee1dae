/**
 * Report: a closed experiment as one HTML page that needs nothing else: no network, no script, no other file.
 * Read on a screen, in a mail, on paper, and in ten years.
 */
import type { Column } from "./columns.ts";
import { html, type Html } from "./html.ts";
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatShare,
  formatUsd,
} from "./number-format.ts";
import { effectChart, histogramChart, type MeanRange } from "./report-charts.ts";
import { reportStyle } from "./report-style.ts";
import {
  mostExactQuantiles,
  type NumberStatistics,
  type Sensitivity,
  type Summary,
} from "./summary-format.ts";
import { unitOf } from "./units.ts";

/** What a report tells beside the summary. */
export interface ReportExtra {
  readonly modelDescription?: string;
  readonly parameterColumns: readonly Column[];
  readonly resultColumns: readonly Column[];
  /** What was quoted before the submit; what is absent is left out. */
  readonly planned?: Outlay;
  /** What it took, where the summary does not say so. */
  readonly actual?: Pick<Outlay, "costUsd" | "slots">;
  /** Where the dataset lies: local paths, or s3://… */
  readonly resultsAddress: string;
  readonly failuresAddress: string;
  /** Ids and versions, for a reader in a year. */
  readonly provenance: readonly (readonly [label: string, value: string])[];
}

export interface Outlay {
  readonly seconds?: number;
  readonly secondsPerSimulation?: number;
  readonly chunks?: number;
  readonly slots?: number;
  readonly costUsd?: number;
}

/** Shown per result; the summary has all. */
const strongest = 5;
/** Below this a share is not told from chance. */
const leastShare = 0.005;
const longestMessage = 400;

export function reportHtml(summary: Summary, extra: ReportExtra): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${summary.experiment}</title>
        <style>
          ${{ markup: reportStyle }}
        </style>
      </head>
      <body>
        <main>
          ${heading(summary, extra)} ${outcome(summary, extra)} ${overview(summary, extra)}
          ${summary.results.map((result) => resultFigure(result, summary, extra))}
          ${failureTable(summary)} ${notRunTable(summary)} ${outlay(summary, extra)}
          ${dataset(summary, extra)} ${provenanceList(extra)}
        </main>
      </body>
    </html> `;
  return page.markup;
}

function heading(summary: Summary, extra: ReportExtra): Html {
  const id = summary.experiment.split("/").at(-1) ?? "";
  return html`<header>
    <p class="kicker">Experiment report</p>
    <h1>${summary.model}</h1>
    ${when(extra.modelDescription, (text) => html`<p class="lede">${text}</p>`)}
    <dl class="asked">
      <div>
        <dt>Experiment</dt>
        <dd><code>${id}</code></dd>
      </div>
      <div>
        <dt>Design</dt>
        <dd>${summary.design}</dd>
      </div>
      <div>
        <dt>Seed</dt>
        <dd>${summary.seed}</dd>
      </div>
      <div>
        <dt>Stage</dt>
        <dd>${summary.stage}</dd>
      </div>
      <div>
        <dt>Closed</dt>
        <dd>${formatTime(summary.closedAt)}</dd>
      </div>
    </dl>
  </header>`;
}

function outcome(summary: Summary, { actual }: ReportExtra): Html {
  const parts = [
    { kind: "done", name: "done", count: summary.done },
    { kind: "failed", name: "failed", count: summary.failed },
    { kind: "not-run", name: "not run", count: summary.notRun },
  ];
  const shown = parts.filter(({ count }) => count > 0);
  const bar = shown.map(
    ({ kind, count }) => html`<i class="${kind}" style="flex-grow:${count / summary.total}"></i>`,
  );
  const sum = parts.map(({ kind, name, count }, i) => {
    const share =
      count === 0 || shown.length === 1 ? "" : ` (${formatShare(count / summary.total)})`;
    return html`${i === 0 ? "" : " + "}<span class="${count === 0 ? "none" : ""}"
        ><i class="key ${kind}"></i><b>${formatCount(count)}</b> ${name}${share}</span
      >`;
  });
  const told = parts.map(({ name, count }) => `${formatCount(count)} ${name}`).join(", ");
  return html`<section>
    <h2>Outcome</h2>
    <div class="ledger" role="img" aria-label="${told}">${bar}</div>
    <p class="sum">${sum} = <b>${formatCount(summary.total)}</b> simulations</p>
    <p class="note">
      In ${formatDuration(summary.seconds)}, ${formatNumber(summary.simulationsPerSecond)} a
      second${actual?.costUsd === undefined ? "" : `, for ${formatUsd(actual.costUsd)}`}.
    </p>
  </section>`;
}

function outlay(summary: Summary, { planned = {}, actual = {} }: ReportExtra): Html {
  const attempted = summary.done + summary.failed;
  const perSimulation = attempted === 0 ? undefined : summary.simulationSeconds / attempted;
  const efficiency =
    actual.slots === undefined || summary.seconds === 0
      ? undefined
      : summary.simulationSeconds / (actual.slots * summary.seconds);
  const rows = [
    compared(
      "Time, from submit to the last simulation",
      planned.seconds,
      summary.seconds,
      formatDuration,
    ),
    compared("Time of one simulation", planned.secondsPerSimulation, perSimulation, formatDuration),
    compared("Time of all, on one core", undefined, summary.simulationSeconds, formatDuration),
    compared("Simulations a second", undefined, summary.simulationsPerSecond, formatNumber),
    compared("Slots", planned.slots, actual.slots, formatCount),
    compared("Share of the slots’ time inside the model", undefined, efficiency, formatShare),
    compared("Chunks", planned.chunks, summary.chunks, formatCount),
    compared("Retries", undefined, summary.retries, formatCount),
    compared("Interruptions", undefined, summary.interruptions, formatCount),
    compared("Cost", planned.costUsd, actual.costUsd, formatUsd),
  ];
  return html`<section>
    <h2>Plan and actual</h2>
    <div class="scroll">
      <table class="outlay">
        <thead>
          <tr>
            <th></th>
            <th class="n">Planned</th>
            <th class="n">Actual</th>
            <th class="n">Difference</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}

function compared(
  label: string,
  planned: number | undefined,
  actual: number | undefined,
  format: (value: number) => string,
): Html {
  if (planned === undefined && actual === undefined) return html``;
  const shown = (value: number | undefined) => (value === undefined ? "" : format(value));
  const difference =
    planned === undefined || actual === undefined || planned === 0
      ? ""
      : signedPercent(actual / planned - 1);
  return html`<tr>
    <th>${label}</th>
    <td class="n">${shown(planned)}</td>
    <td class="n">${shown(actual)}</td>
    <td class="n quiet">${difference}</td>
  </tr> `;
}

/** `wide`: left out on a phone, where the figures below still tell it. */
const overviewColumns: readonly {
  readonly label: string;
  readonly value: (result: NumberStatistics) => number;
  readonly wide: boolean;
}[] = [
  { label: "Mean", value: ({ mean }) => mean, wide: false },
  { label: "SD", value: ({ standardDeviation }) => standardDeviation, wide: true },
  { label: "Least", value: ({ minimum }) => minimum, wide: true },
  { label: "5 %", value: ({ p05 }) => p05, wide: false },
  { label: "Median", value: ({ median }) => median, wide: false },
  { label: "95 %", value: ({ p95 }) => p95, wide: false },
  { label: "Most", value: ({ maximum }) => maximum, wide: true },
];

function overview({ results, done }: Summary, extra: ReportExtra): Html {
  if (results.length === 0)
    return html`<section>
      <h2>Results</h2>
      <p class="quiet">
        ${done === 0 ? "No simulation is done, so there are no results to show." : "This model has no results that are numbers."}
      </p>
    </section>`;
  const approximate =
    done > mostExactQuantiles
      ? " With so many simulations they and the median are approximate, to about 0.1 % of the ranks."
      : "";
  const rows = results.map(
    (result) =>
      html`<tr>
        <th>
          <a href="#${anchorOf(result.name)}"><code>${result.name}</code></a
          >${when(result.description, (text) => html`<span class="description">${text}</span>`)}
        </th>
        <td class="unit wide">${unitIn(extra.resultColumns, result)}</td>
        ${overviewColumns.map(({ value, wide }) => html`<td class="n${wide ? " wide" : ""}">${formatNumber(value(result))}</td>`)}
      </tr> `,
  );
  return html`<section>
    <h2>Results</h2>
    <div class="scroll">
      <table class="overview">
        <thead>
          <tr>
            <th></th>
            <th class="unit wide">Unit</th>
            ${overviewColumns.map(({ label, wide }) => html`<th class="n${wide ? " wide" : ""}">${label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
    <p class="note">
      Over ${formatCount(done)} simulations. SD: standard deviation. 5 % and 95 %: nine in ten
      simulations lie between them.${approximate}
    </p>
    <p class="note">
      The figures below show, for each result, how its values are distributed, with nine in ten of
      them shaded; and what it depends on: the share of its variance that goes with one parameter
      alone, and how its mean moves over that parameter’s range. The curves of one result have one
      scale; the thin line is the mean of all.
    </p>
  </section>`;
}

function resultFigure(result: NumberStatistics, summary: Summary, extra: ReportExtra): Html {
  const unit = unitIn(extra.resultColumns, result);
  const own = summary.sensitivities.filter((sensitivity) => sensitivity.result === result.name);
  const strong = own.filter(({ share }) => share >= leastShare).slice(0, strongest);
  const nothing =
    own.length === 0
      ? "The design varies no parameter."
      : "No parameter alone explains this result.";
  return html`<section class="result" id="${anchorOf(result.name)}">
    <h3>
      <code>${result.name}</code
      >${when(result.description, (text) => html` <span class="description">${text}</span>`)}
    </h3>
    <div class="figures">
      <figure>
        ${histogramChart(result, unit)}
        <figcaption>
          Number of simulations${unit === "" ? "" : ` over ${unit}`}. Shaded: nine in ten.
        </figcaption>
        ${statisticsTable(result, unit)}
      </figure>
      <figure>
        ${strong.length === 0 ? html`<p class="quiet">${nothing}</p>` : influences(strong, own, result, unit, extra)}
      </figure>
    </div>
  </section>`;
}

const cell = (label: string, value: number) =>
  html`<div>
    <dt>${label}</dt>
    <dd>${formatNumber(value)}</dd>
  </div>`;

function statisticsTable(result: NumberStatistics, unit: string): Html {
  const { mean, standardDeviation, minimum, p05, p25, median, p75, p95, maximum } = result;
  return html`<dl class="statistics">
      ${cell("Mean", mean)}${cell("SD", standardDeviation)}
      <div>
        <dt>Simulations</dt>
        <dd>${formatCount(result.count)}</dd>
      </div>
      ${
        unit === ""
          ? html``
          : html`<div>
              <dt>Unit</dt>
              <dd>${unit}</dd>
            </div>`
      }
    </dl>
    <dl class="statistics">
      ${cell("Least", minimum)}${cell("5 %", p05)}${cell("25 %", p25)}${cell("Median", median)}
      ${cell("75 %", p75)}${cell("95 %", p95)}${cell("Most", maximum)}
    </dl>`;
}

function influences(
  strong: readonly Sensitivity[],
  all: readonly Sensitivity[],
  result: NumberStatistics,
  unit: string,
  { parameterColumns }: ReportExtra,
): Html {
  const means = strong.flatMap(({ bins }) => bins.map(({ mean }) => mean));
  const range: MeanRange = { low: Math.min(...means), high: Math.max(...means), mean: result.mean };
  const rows = strong.map(({ parameter, share, bins }) => {
    const column = parameterColumns.find(({ name }) => name === parameter);
    const isChoice = column?.kind === "text" || column?.kind === "boolean";
    return html`<li>
      <div class="who">
        <code>${parameter}</code
        >${when(column?.description, (text) => html`<span class="description">${text}</span>`)}
      </div>
      <div class="share">
        <b>${formatShare(share)}</b
        ><i><i style="width:${(Math.min(1, share) * 100).toFixed(1)}%"></i></i>
      </div>
      <div class="how">
        ${effectChart(bins, range, isChoice)}<span class="ends"
          >${isChoice && bins.length > 2 ? choiceMeans(bins) : ends(bins)}</span
        >
      </div>
    </li> `;
  });
  return html`<ol class="influences">
      ${rows}
    </ol>
    <figcaption>
      Means from ${formatNumber(range.low)} to ${formatNumber(range.high)}${unit && ` ${unit}`}.
      ${remainder(strong, all)}
    </figcaption>`;
}

/** What the shown parameters leave: the others, and what no parameter explains alone. */
function remainder(strong: readonly Sensitivity[], all: readonly Sensitivity[]): string {
  const sum = all.reduce((total, { share }) => total + share, 0);
  const shown = strong.reduce((total, { share }) => total + share, 0);
  const others = all.length - strong.length;
  const rest =
    others === 0
      ? ""
      : `The other ${others} varied parameters together: ${formatShare(sum - shown)}. `;
  // Shares of parameters that vary together overlap, and then what is left means nothing.
  return sum > 1 ? rest : `${rest}In interplay or by chance: ${formatShare(1 - sum)}.`;
}

function ends(bins: Sensitivity["bins"]): Html {
  return html`<span>${bins[0]?.label ?? ""}</span><span>${bins.at(-1)?.label ?? ""}</span>`;
}

function choiceMeans(bins: Sensitivity["bins"]): Html {
  const sorted = bins.toSorted((a, b) => a.mean - b.mean);
  const [least, most] = [sorted[0], sorted.at(-1)].map((bin) =>
    bin === undefined ? "" : `${bin.label} ${formatNumber(bin.mean)}`,
  );
  return html`<span>${least} … ${most}</span>`;
}

function failureTable({ failures, experiment }: Summary): Html {
  if (failures.length === 0) return html``;
  const rows = failures.map(
    ({ cause, fingerprint, message, count, example }) =>
      html`<tr>
        <td class="n"><b>${formatCount(count)}</b></td>
        <td>
          ${cause}${fingerprint === "" ? html`` : html`<br /><code class="quiet">${fingerprint}</code>`}
        </td>
        <td class="message">
          ${shortened(message)}<br /><code class="command"
            >hatchery replay ${experiment} ${example}</code
          >
        </td>
      </tr> `,
  );
  return html`<section>
    <h2>Failures</h2>
    <table class="failures">
      <thead>
        <tr>
          <th class="n">Simulations</th>
          <th>Cause</th>
          <th>Message, and how to see the first one here</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
    <p class="note">
      To run them again, wherever a stage is up:
      <code class="command">hatchery retry ${experiment} --failed</code>
    </p>
  </section>`;
}

function notRunTable({ notRunCauses, experiment }: Summary): Html {
  if (notRunCauses.length === 0) return html``;
  return html`<section>
    <h2>Not run</h2>
    <table class="failures">
      <thead>
        <tr>
          <th class="n">Simulations</th>
          <th>Cause</th>
          <th>First</th>
        </tr>
      </thead>
      <tbody>
        ${notRunCauses.map(
          ({ cause, count, example }) =>
            html`<tr>
              <td class="n"><b>${formatCount(count)}</b></td>
              <td>${cause}</td>
              <td>simulation ${example}</td>
            </tr> `,
        )}
      </tbody>
    </table>
    <p class="note">
      To run what is missing: <code class="command">hatchery retry ${experiment} --missing</code>
    </p>
  </section>`;
}

function dataset(summary: Summary, { resultsAddress, failuresAddress }: ReportExtra): Html {
  const path = JSON.stringify(resultsAddress);
  const sql = resultsAddress.replaceAll("'", "''");
  return html`<section>
    <h2>The data</h2>
    <p>One row per simulation that is done: its number, its parameters, its results.</p>
    <dl class="paths">
      <div>
        <dt>Results</dt>
        <dd><code>${resultsAddress}</code></dd>
      </div>
      ${
        summary.failed === 0
          ? html``
          : html`<div>
              <dt>Failures</dt>
              <dd><code>${failuresAddress}</code></dd>
            </div>`
      }
    </dl>
    <div class="snippets">
      <div>
        <h4>Python</h4>
        <pre><code>import pandas as pd
results = pd.read_parquet(${path})</code></pre>
      </div>
      <div>
        <h4>R</h4>
        <pre><code>library(arrow)
results &lt;- read_parquet(${path})</code></pre>
      </div>
      <div>
        <h4>DuckDB</h4>
        <pre><code>SELECT * FROM '${sql}' LIMIT 10;</code></pre>
      </div>
      <div>
        <h4>Hatchery</h4>
        <pre><code>hatchery results ${summary.experiment} --csv results.csv</code></pre>
      </div>
    </div>
  </section>`;
}

function provenanceList({ provenance }: ReportExtra): Html {
  if (provenance.length === 0) return html``;
  return html`<section class="provenance">
    <h2>Provenance</h2>
    <dl>
      ${provenance.map(
        ([label, value]) =>
          html`<div>
            <dt>${label}</dt>
            <dd>${value}</dd>
          </div> `,
      )}
    </dl>
    <p class="note">
      Shares of variance are correlation ratios over bins of a parameter (each choice, or twenty
      bins of a number), corrected for the number of bins (ε², Kelley 1935). They count what a
      parameter does alone.
    </p>
  </section>`;
}

const when = (text: string | undefined, shown: (text: string) => Html): Html =>
  text === undefined || text === "" ? html`` : shown(text);

const anchorOf = (name: string) => `result-${name}`;

function unitIn(columns: readonly Column[], { name }: NumberStatistics): string {
  const column = columns.find((candidate) => candidate.name === name);
  return column === undefined ? "" : unitOf(column);
}

function shortened(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message;
}

function signedPercent(change: number): string {
  const percent = Math.round(change * 100);
  return percent === 0 ? "±0 %" : `${percent > 0 ? "+" : "−"}${Math.abs(percent)} %`;
}

/** 21 November 2026, 09:33 UTC */
function formatTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const day = date.toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`;
}
