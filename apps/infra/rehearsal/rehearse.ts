/** `pnpm rehearse`: a stage's whole life with the real SST and Pulumi, on an emulated AWS, and what AWS answers. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { UserError, exitCodes } from "@hatchery/config";
import { infraFolder, program, run, say } from "../src/program.ts";
import { type Rehearsal, rehearsalNames, stageOf } from "./rehearsals.ts";
import type { Step } from "./steps.ts";
import { type Toolchain, chooseToolchain, definitionsFile } from "./toolchain.ts";
import { wiring } from "./wiring.ts";

interface Options {
  readonly short?: true;
  readonly json?: true;
  readonly wiring?: true;
  readonly realAccount?: true;
}

const command = program(
  "rehearse",
  `Deploy a stage, deploy it again, diff it and tear it down, without an AWS account
but with the real SST and Pulumi, and ask AWS's own APIs after each step.
Exits 1 at the first answer that is not as it should be.

Rehearsals:
  small        every setting at its default
  seed         RabbitMQ, a domain, a bastion, NAT gateways, two fleets
  private      no way to the internet but AWS's endpoints
  interrupted  a deploy and a teardown that fail half-way, each run again`,
  [
    "AWS_TOOLCHAIN=../aws-toolchain pnpm rehearse                  all of them, about five minutes",
    "AWS_TOOLCHAIN=../aws-toolchain pnpm rehearse --short          the small one, about a minute",
    "AWS_TOOLCHAIN=../aws-toolchain pnpm rehearse seed private",
    "AWS_TOOLCHAIN=../aws-toolchain pnpm rehearse small --wiring   and run its tasks on this machine, with a real engine",
    "AWS_ENDPOINT_URL=http://127.0.0.1:5000 pnpm rehearse small    an emulator that already runs",
  ],
)
  .argument("[rehearsals...]", "which; all when left out")
  .option("--short", "the small one only")
  .option(
    "--wiring",
    "then run each stage's tasks here, from the setup job to an experiment's results",
  )
  .option("--json", "the steps and their seconds as one JSON document on stdout")
  .option("--real-account", "deploy to the account of your AWS configuration; it costs money")
  .action(rehearse);

type Rehearsed = readonly [Rehearsal, readonly Step[]];

async function rehearse(names: readonly string[], options: Options): Promise<void> {
  const toolchain = chooseToolchain(process.env, options);
  const chosen = choose(names, options, toolchain);
  say(`Rehearsed with ${toolchain.says}.\n`);
  const done: Rehearsed[] = [];
  for (const rehearsal of chosen) {
    say(`${rehearsal}:`);
    const steps = [...(await inToolchain(rehearsal, toolchain))];
    if (options.wiring && holds(steps)) steps.push(await wiring(rehearsal));
    done.push([rehearsal, steps]);
    say();
    if (!holds(steps)) break;
  }
  say(table(done));
  if (options.json) process.stdout.write(`${JSON.stringify(Object.fromEntries(done))}\n`);
  const [last, steps] = done.at(-1)!;
  if (holds(steps))
    return say(`\nTask definitions, as AWS answers them:  ${definitionsFile(chosen[0]!)}`);
  process.exitCode = exitCodes.workFailed;
  say(`\nThe rehearsal "${last}" does not hold: see above.`);
}

function choose(
  names: readonly string[],
  { short }: Options,
  { canFail }: Toolchain,
): readonly Rehearsal[] {
  const wrong = names.filter((name) => !rehearsalNames.some((known) => known === name));
  if (wrong.length > 0 || (short && names.length > 0))
    throw new UserError(
      wrong.length > 0
        ? `"${wrong.join('", "')}" is no rehearsal: there are ${rehearsalNames.join(", ")}.`
        : "--short goes without names.",
      { hint: "pnpm rehearse --help", exitCode: exitCodes.wrongUsage },
    );
  if (short) return ["small"];
  if (!canFail && names.includes("interrupted"))
    throw new UserError("Only a toolchain of AWS_TOOLCHAIN can let an operation fail.", {
      exitCode: exitCodes.notAllowed,
    });
  if (names.length > 0) return names as Rehearsal[];
  if (!canFail)
    say('"interrupted" is left out: only a toolchain of AWS_TOOLCHAIN can let AWS fail.');
  return rehearsalNames.filter((name) => canFail || name !== "interrupted");
}

/** Runs the rehearsal below the toolchain; answers its steps. */
async function inToolchain(rehearsal: Rehearsal, toolchain: Toolchain): Promise<readonly Step[]> {
  const cycle = [process.execPath, join(import.meta.dirname, "cycle.ts"), rehearsal];
  const words = [...toolchain.before(stageOf(rehearsal)), ...cycle];
  if (!toolchain.isEmulated) words.push("--real-account");
  const child = spawn(words[0]!, words.slice(1), {
    cwd: infraFolder,
    stdio: ["ignore", "pipe", "inherit"],
    env: toolchain.environment,
  });
  const [printed, [code]] = await Promise.all([
    text(child.stdout),
    once(child, "close") as Promise<[number | null]>,
  ]);
  const steps = parseSteps(printed);
  if (code === exitCodes.ok && holds(steps)) return steps;
  if (steps.some((step) => !step.isOk)) return steps;
  return [...steps, { name: "toolchain", seconds: 0, isOk: false, saw: `ended with ${code}` }];
}

function parseSteps(printed: string): readonly Step[] {
  try {
    return JSON.parse(printed) as Step[];
  } catch {
    return [];
  }
}

const holds = (steps: readonly Step[]) => steps.length > 0 && steps.every((step) => step.isOk);

function table(done: readonly Rehearsed[]): string {
  const rows = done.flatMap(([rehearsal, steps]) => steps.map((step) => ({ rehearsal, ...step })));
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(
    ({ isOk, name, rehearsal, saw, seconds }) =>
      `${rehearsal.padEnd(11)}  ${name.padEnd(width)}  ${seconds.toFixed(1).padStart(6)} s  ${isOk ? "ok" : "FAILED"}  ${saw}`,
  );
  const total = rows.reduce((sum, { seconds }) => sum + seconds, 0);
  return [
    ...lines,
    `${"".padEnd(11)}  ${"in all".padEnd(width)}  ${total.toFixed(1).padStart(6)} s`,
  ].join("\n");
}

await run(command);
