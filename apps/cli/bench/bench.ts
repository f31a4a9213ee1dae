/**
 * Bench: every bar of speed in one run, side by side, on a stage of its own that is gone afterwards.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { UserError, engineVersion, exitCodes, workspaceRoot } from "@hatchery/config";
import { codeVersion } from "../src/provenance.ts";
import { createMachine, type Machine } from "../test/command.ts";
import { million, spinning } from "./efficiency.ts";
import { firstResults } from "./first-results.ts";
import { idle } from "./idle.ts";
import type { Bench, Measure, Row } from "./measure.ts";
import { merge } from "./merge.ts";
import { oneTaskEach } from "./one-task-each.ts";
import { submit } from "./submit.ts";

/** In the order in which they run: idle last, on a stage that has worked. */
const measures: Readonly<Record<string, Measure>> = {
  "first-results": firstResults,
  spinning,
  million,
  "one-task-each": oneTaskEach,
  submit,
  idle,
  merge,
};

const usage = `Examples:
  pnpm bench                     all of it, about 30 minutes, with nothing else running
  pnpm bench --only merge        one measure; may be given several times
  pnpm bench --short             each so small that its figure says only that it works: two minutes
  pnpm bench --save              also to docs/benchmarks/<date>-<processor>.md and .json

Measures: ${Object.keys(measures).join(", ")}.`;

/** Above this many busy cores something else is at work, and the figures say so. */
const quietCores = 0.1;
/** Looked at so long; a load average would still tell of what ended minutes ago. */
const lookMs = 3_000;

const say = (text: string) => process.stdout.write(`${text}\n`);

interface Report {
  readonly command: string;
  readonly at: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
  readonly engine: string;
  readonly commit: string;
  readonly busyCoresBefore: number;
  readonly isQuiet: boolean;
  readonly isShort: boolean;
  readonly rows: readonly (Row & { readonly measure: string })[];
}

async function run(only: readonly string[], isShort: boolean): Promise<Report> {
  const busyCoresBefore = await busyCores();
  const { commit = "unknown", dirty } = await codeVersion();
  const facts = {
    command: ["pnpm bench", ...process.argv.slice(2)].join(" "),
    at: new Date().toISOString(),
    processor: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    engine: engineVersion,
    commit: `${commit}${dirty ? ", changed" : ""}`,
    busyCoresBefore,
    isQuiet: busyCoresBefore <= quietCores,
    isShort,
  };
  say(head(facts).join("\n"));
  const rows: Report["rows"][number][] = [];
  let machine: Machine | undefined;
  const bench: Bench = { isShort, cores: facts.cores, stage: async () => (machine ??= await up()) };
  try {
    for (const measure of only)
      for (const row of await measures[measure]!(bench)) {
        rows.push({ measure, ...row });
        say(`\n${row.work}\n  ${row.measured}\n  bar: ${row.bar}${verdict(row)}`);
      }
  } finally {
    await machine?.[Symbol.asyncDispose]();
  }
  return { ...facts, rows };
}

/** How many cores are at work, in all processes. */
async function busyCores(): Promise<number> {
  const times = () => cpus().map(({ times: of }) => of);
  const before = times();
  await sleep(lookMs);
  const idleMs = times().reduce((sum, now, core) => sum + now.idle - before[core]!.idle, 0);
  return Math.max(0, availableParallelism() - idleMs / lookMs);
}

async function up(): Promise<Machine> {
  const machine = createMachine({
    MODELS_MODULE: fileURLToPath(new URL("models.ts", import.meta.url)),
  });
  const { code, talk } = await machine.hatchery("up", "--workers", "1", "--idle-minutes", "0");
  if (code === 0) return machine;
  await machine[Symbol.asyncDispose]();
  throw new Error(talk);
}

function head(report: Omit<Report, "rows">): string[] {
  const { processor, cores, memoryGb, system, node, engine, commit, isQuiet } = report;
  const before = `Busy before the start: ${report.busyCoresBefore.toFixed(2)} cores.`;
  return [
    `${processor}, ${cores} cores, ${memoryGb} GB, ${system}, Node ${node}, engine ${engine}, commit ${commit}`,
    isQuiet
      ? before
      : `${before} This is NOT a quiet machine: no figure below says how fast anything is.`,
    ...(report.isShort ? ["Short form: it works, and no more than that is shown."] : []),
  ];
}

const verdict = ({ isMet }: Row) => (isMet === null ? "" : isMet ? " · met" : " · NOT met");

function markdown(report: Report): string {
  const cell = (text: string) => text.replaceAll("|", "\\|");
  return [
    `# Benchmark of ${report.at.slice(0, 10)}`,
    "",
    ...head(report).flatMap((line) => [line, ""]),
    "```sh",
    report.command,
    "```",
    "",
    "| work | bar | measured | met |",
    "| --- | --- | --- | --- |",
    ...report.rows.map(
      ({ work, bar, measured, isMet }) =>
        `| ${cell(work)} | ${cell(bar)} | ${cell(measured)} | ${isMet === null ? "" : isMet ? "yes" : "no"} |`,
    ),
    "",
  ].join("\n");
}

async function save(report: Report): Promise<string> {
  const folder = join(workspaceRoot(), "docs", "benchmarks");
  const processor = report.processor.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const file = join(folder, `${report.at.slice(0, 10)}-${processor.replace(/^-|-$/g, "")}`);
  await mkdir(folder, { recursive: true });
  await writeFile(`${file}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  await writeFile(`${file}.md`, markdown(report));
  return `${file}.md`;
}

try {
  const { values } = parseArgs({
    options: {
      only: { type: "string", multiple: true, default: Object.keys(measures) },
      short: { type: "boolean", default: false },
      save: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const unknown = values.only.filter((name) => measures[name] === undefined);
  if (unknown.length > 0)
    throw new UserError(
      `There is no measure "${unknown.join('", "')}". There are: ${Object.keys(measures).join(", ")}.`,
      { exitCode: exitCodes.wrongUsage },
    );
  if (values.help) say(usage);
  else {
    const report = await run(values.only, values.short);
    say(`\n${markdown(report)}`);
    if (values.save) say(`Saved to ${await save(report)}`);
  }
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error.exitCode;
}
