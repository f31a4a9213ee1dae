/**
 * Report: a closed experiment as one HTML page that needs nothing else: no network, no script, no other file.
 * Read on a screen, in a mail, on paper, and in ten years.
 */
import type { Column } from "./columns.ts";
import { html, when, type Html } from "./html.ts";
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatShare,
  formatUsd,
} from "./number-format.ts";
import { overview, resultFigure } from "./report-results.ts";
import { reportStyle } from "./report-style.ts";
import { failureTable, notRunTable, outlayTable } from "./report-tables.ts";
import type { Summary } from "./summary-format.ts";

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
          ${failureTable(summary)} ${notRunTable(summary)} ${outlayTable(summary, extra)}
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

/** 21 November 2026, 09:33 UTC */
function formatTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  const day = date.toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`;
}
