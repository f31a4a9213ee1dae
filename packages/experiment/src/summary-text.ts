/** Summary text: a closed experiment on one screen of a terminal. */
import { styleText } from "node:util";
import { formatCount, formatDuration, formatNumber, formatShare } from "./number-format.ts";
import type { NumberStatistics, Sensitivity, Summary } from "./summary-format.ts";

export interface TextOptions {
  /** Width of the terminal. */
  readonly columns: number;
  readonly color: boolean;
}

const numberWidth = 10;
const sparkWidth = 10;
const strongest = 3;
/** Of one failure, so that a long message hides no other. */
const mostMessageLines = 5;
/** Below this a share is not told from chance. */
const leastShare = 0.005;

type Style = (format: Parameters<typeof styleText>[0], text: string) => string;

export function summaryText(summary: Summary, { columns, color }: TextOptions): string {
  const style: Style = (format, text) =>
    color ? styleText(format, text, { validateStream: false }) : text;
  const width = Math.max(72, Math.min(columns, 110));
  return [
    outcome(summary, width, style),
    resultTable(summary, width, style),
    influences(summary, width, style),
    failures(summary, width, style),
  ]
    .filter((part) => part.length > 0)
    .map((lines) => `${lines.map((line) => line.trimEnd()).join("\n")}\n`)
    .join("\n");
}

function outcome(summary: Summary, width: number, style: Style): string[] {
  const { done, failed, notRun, total } = summary;
  // A bar that is true to scale, but never hides that something is there.
  const cells = (count: number) =>
    count === 0 ? 0 : Math.max(1, Math.round((count / total) * width));
  const lost = cells(failed) + cells(notRun);
  return [
    style("bold", summary.experiment),
    `${formatCount(done)} done + ${formatCount(failed)} failed + ${formatCount(notRun)} not run = ${formatCount(total)} simulations`,
    `in ${formatDuration(summary.seconds)}, ${formatNumber(summary.simulationsPerSecond)} a second`,
    style("green", "█".repeat(Math.max(0, Math.min(cells(done), width - lost)))) +
      style("red", "▒".repeat(cells(failed))) +
      style("dim", "░".repeat(cells(notRun))),
  ];
}

function resultTable({ results }: Summary, width: number, style: Style): string[] {
  if (results.length === 0) return [];
  const nameWidth = width - 5 * numberWidth - sparkWidth - 1;
  const row = (name: string, numbers: readonly string[], shape: string) =>
    `${fit(name, nameWidth)}${numbers.map((text) => text.padStart(numberWidth)).join("")} ${shape}`;
  return [
    style("dim", row("Result", ["mean", "sd", "5 %", "median", "95 %"], "")),
    ...results.map((result) => row(result.name, numbersOf(result), spark(result.histogram.counts))),
  ];
}

function numbersOf(result: NumberStatistics): string[] {
  const { mean, standardDeviation, p05, median, p95 } = result;
  return [mean, standardDeviation, p05, median, p95].map(formatNumber);
}

function influences({ results, sensitivities }: Summary, width: number, style: Style): string[] {
  const nameWidth = 30;
  const barWidth = width - nameWidth - numberWidth - sparkWidth - 5;
  const line = ({ parameter, share, bins }: Sensitivity) =>
    `  ${fit(parameter, nameWidth)} ${style("cyan", bar(share, barWidth))}${formatShare(share).padStart(numberWidth)} ${spark(bins.map(({ mean }) => mean))}`;
  const lines = results.flatMap(({ name }) => {
    const strong = sensitivities
      .filter(({ result, share }) => result === name && share >= leastShare)
      .slice(0, strongest);
    return strong.length === 0 ? [] : [name, ...strong.map(line)];
  });
  if (lines.length === 0) return [];
  return [
    style("dim", "Share of the variance that goes with one parameter, and how the mean moves"),
    ...lines,
  ];
}

function failures(summary: Summary, width: number, style: Style): string[] {
  const { failures: failed, notRunCauses } = summary;
  const countWidth = 9;
  const causeWidth = Math.max(14, ...[...failed, ...notRunCauses].map(({ cause }) => cause.length));
  const lines = (count: number, cause: string, message: string, example: number) => {
    const first = `first: ${example}`;
    const indent = " ".repeat(countWidth + 2);
    const text = `${formatCount(count).padStart(countWidth)}  ${fit(cause, causeWidth)} `;
    const room = width - text.length - first.length - 1;
    const isShort = characters(message).length <= room;
    const row = `${text}${fit(isShort ? message : "", room)} ${first}`;
    if (isShort) return [row];
    return [row, ...wrap(message, width - indent.length).map((line) => indent + line)];
  };
  const section = (title: string, rows: string[]) =>
    rows.length === 0 ? [] : [style("bold", title), ...rows];
  return [
    ...section(
      "Failed",
      failed.flatMap((group) => lines(group.count, group.cause, group.message, group.example)),
    ),
    ...section(
      "Not run",
      notRunCauses.flatMap((group) => lines(group.count, group.cause, "", group.example)),
    ),
  ];
}

/** Control characters, which a message may hold, become spaces. */
const characters = (text: string) => Array.from(text.replaceAll(/\p{Cc}+/gu, " "));

/** Exactly `width` characters. */
function fit(text: string, width: number): string {
  const all = characters(text);
  return all.length > width
    ? `${all.slice(0, width - 1).join("")}…`
    : all.join("") + " ".repeat(width - all.length);
}

/** Lines of at most `width` characters, broken between words where there is a space. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = characters(text);
  while (rest.length > width && lines.length < mostMessageLines - 1) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end).join(""));
    rest = rest.slice(space > 0 ? end + 1 : end);
  }
  return [...lines, fit(rest.join(""), width)];
}

const levels = "▁▂▃▅▇";

/** Values as a row of little columns; more values than columns are averaged. */
function spark(values: readonly number[]): string {
  const width = Math.min(sparkWidth, values.length);
  const means = Array.from({ length: width }, (_, i) => {
    const own = values.slice(
      Math.floor((i * values.length) / width),
      Math.floor(((i + 1) * values.length) / width),
    );
    return own.reduce((sum, value) => sum + value, 0) / own.length;
  });
  const low = Math.min(...means);
  const range = Math.max(...means) - low;
  return means
    .map(
      (mean) => levels[range === 0 ? 0 : Math.round(((mean - low) / range) * (levels.length - 1))],
    )
    .join("");
}

function bar(share: number, width: number): string {
  return "━".repeat(Math.max(1, Math.round(Math.min(1, share) * width))).padEnd(width);
}
