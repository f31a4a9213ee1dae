/** The report's tables: what was planned and what it took, what failed, what did not run. */
import { html, type Html } from "./html.ts";
import {
  formatCount,
  formatDuration,
  formatNumber,
  formatShare,
  formatUsd,
} from "./number-format.ts";
import type { ReportExtra } from "./report.ts";
import type { Summary } from "./summary-format.ts";

const longestMessage = 400;

export function outlayTable(summary: Summary, { planned = {}, actual = {} }: ReportExtra): Html {
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

function signedPercent(change: number): string {
  const percent = Math.round(change * 100);
  return percent === 0 ? "±0 %" : `${percent > 0 ? "+" : "−"}${Math.abs(percent)} %`;
}

export function failureTable({ failures, experiment }: Summary): Html {
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

export function notRunTable({ notRunCauses, experiment }: Summary): Html {
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

function shortened(message: string): string {
  return message.length > longestMessage ? `${message.slice(0, longestMessage)}…` : message;
}
