/** The report's results: one table of all, and for each how it is distributed and what it depends on. */
import type { Column } from "./columns.ts";
import { html, when, type Html } from "./html.ts";
import { formatCount, formatNumber, formatShare } from "./number-format.ts";
import { effectChart, histogramChart, type MeanRange } from "./report-charts.ts";
import type { ReportExtra } from "./report.ts";
import type { NumberStatistics, Sensitivity, Summary } from "./summary-format.ts";
import { unitOf } from "./units.ts";

/** Shown per result; the summary has all. */
const strongest = 5;
/** Below this a share is not told from chance. */
const leastShare = 0.005;

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

export function overview({ results, done, sampled }: Summary, extra: ReportExtra): Html {
  if (results.length === 0)
    return html`<section>
      <h2>Results</h2>
      <p class="quiet">
        ${done === 0 ? "No simulation is done, so there are no results to show." : "This model has no results that are numbers."}
      </p>
    </section>`;
  const approximate =
    sampled === undefined
      ? ""
      : ` They, the median and the charts come from ${formatCount(sampled)} of the simulations, and ranks are right to about ${(50 / Math.sqrt(sampled)).toFixed(1)} %.`;
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

export function resultFigure(result: NumberStatistics, summary: Summary, extra: ReportExtra): Html {
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
          Number of
          ${summary.sampled === undefined ? "" : "sampled "}simulations${unit === "" ? "" : ` over ${unit}`}.
          Shaded: nine in ten.
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

const anchorOf = (name: string) => `result-${name}`;

function unitIn(columns: readonly Column[], { name }: NumberStatistics): string {
  const column = columns.find((candidate) => candidate.name === name);
  return column === undefined ? "" : unitOf(column);
}
