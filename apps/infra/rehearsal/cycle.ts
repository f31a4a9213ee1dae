/**
 * One rehearsal, from an account without the stage to the same account after its teardown. Started by rehearse.ts
 * within the toolchain, so that AWS is the one that is meant; prints its steps as JSON on stdout.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type StageSettings,
  UserError,
  exitCodes,
  loadStageSettings,
  storeBucket,
  workspaceRoot,
} from "@hatchery/config";
import { type Account, signIn } from "../src/account/sign-in.ts";
import { infraFolder, program, run, say } from "../src/program.ts";
import { keptResult, undone, work } from "./at-work.ts";
import { type Check, CheckFailed, counted, exactly, must, none } from "./check.ts";
import { data } from "./checks/data.ts";
import { network } from "./checks/network.ts";
import { services } from "./checks/services.ts";
import { tasks } from "./checks/tasks.ts";
import { watching } from "./checks/watching.ts";
import { inventory } from "./inventory.ts";
import {
  type Rehearsal,
  emulatedEnvironment,
  ownDomain,
  realEnvironment,
  stageOf,
} from "./rehearsals.ts";
import { leaks } from "./secret-texts.ts";
import { type Stage, readStage } from "./stage.ts";
import { type Ended, Steps, mustEnd, runLogged } from "./steps.ts";
import { definitionsFile, isLoopback, logFile } from "./toolchain.ts";

const checks: readonly Check[] = [...tasks, ...services, ...network, ...data, ...watching];

interface Rehearsed {
  readonly rehearsal: Rehearsal;
  readonly stage: string;
  readonly isEmulated: boolean;
  readonly settings: StageSettings;
  readonly account: Account;
  readonly environment: NodeJS.ProcessEnv;
  readonly log: string;
  readonly steps: Steps;
}

async function begin(rehearsal: Rehearsal, realAccount: boolean): Promise<Rehearsed> {
  const endpoint = process.env["AWS_ENDPOINT_URL"] ?? "";
  // Said by the toolchain, and looked at once more: what follows makes and removes.
  if (realAccount === isLoopback(endpoint))
    throw new UserError(`AWS_ENDPOINT_URL="${endpoint}" is not what was asked for.`, {
      exitCode: exitCodes.notAllowed,
    });
  const stage = stageOf(rehearsal);
  const environment = realAccount ? realEnvironment(rehearsal) : emulatedEnvironment(rehearsal);
  const settings = loadStageSettings(stage, { root: workspaceRoot(), environment });
  const account = await signIn(settings);
  const log = logFile(rehearsal);
  mkdirSync(join(log, ".."), { recursive: true });
  rmSync(log, { force: true });
  if (!realAccount && settings.ROOT_DOMAIN !== undefined) await ownDomain(settings.ROOT_DOMAIN);
  const isEmulated = !realAccount;
  return { rehearsal, stage, isEmulated, settings, account, environment, log, steps: new Steps() };
}

/** Deploy, look, deploy again, diff, tear down, look. */
async function wholeCycle(rehearsed: Rehearsed): Promise<void> {
  const { isEmulated, steps } = rehearsed;
  const before = isEmulated ? await inventory() : new Set<string>();
  const first = await steps.run("deploy", () => deploy(rehearsed));
  const { stage } = await steps.run("checks of AWS's answers", () => lookAt(rehearsed, first.said));
  await steps.run("deploy again, while it works", () => deployAgain(rehearsed, stage));
  await steps.run("diff", () => diff(rehearsed));
  await steps.run("deploy a change of the engine", () => deployChange(rehearsed, stage));
  await steps.run("teardown", () => tearDown(rehearsed, stage));
  if (isEmulated) await steps.run("what is left", () => whatIsLeft(before, stage));
}

/** A deploy and a teardown that AWS lets down half-way: each says so, and goes on when it is run again. */
async function interruptedCycle(rehearsed: Rehearsed): Promise<void> {
  const { stage: name, steps } = rehearsed;
  const before = await inventory();
  await steps.run("deploy, Ctrl-C at the first secret", async () => {
    const ended = await ours(rehearsed, "deploy", [], { interruptAt: /Created +\S+Secret / });
    mustEnd(ended, {
      code: exitCodes.interrupted,
      says: [/The deploy was interrupted/, /Go on where this one stopped/],
    });
    return "exit code 130, and how to go on";
  });
  await steps.run("deploy, let down at the lease", async () => {
    const failing = "create aws:scheduler/schedule:Schedule";
    const ended = await ours(rehearsed, "deploy", [], { failing });
    mustEnd(ended, {
      code: exitCodes.workFailed,
      says: [
        /LeaseEnd aws:scheduler:Schedule/,
        /sst deploy ended with code 1; the reason is above/,
        new RegExp(`or remove everything: +${teardownOf(rehearsed)}$`, "m"),
      ],
    });
    return "exit code 1, with the reason and what to do";
  });
  const first = await steps.run("deploy again", () => deploy(rehearsed));
  const { stage } = await steps.run("checks of AWS's answers", () => lookAt(rehearsed, first.said));
  await work(stage);
  await steps.run("teardown, let down at the database", async () => {
    const failing = "delete aws:rds/instance:Instance";
    const ended = await ours(rehearsed, "teardown", [], { failing });
    mustEnd(ended, {
      code: exitCodes.workFailed,
      says: [
        /sst remove ended with code 1; the reason is above/,
        new RegExp(`RDS instance +hatchery-${name} +[1-9][0-9.]+ USD/month`),
      ],
    });
    return "exit code 1, with what still stands and costs";
  });
  await steps.run("teardown again", () => tearDown(rehearsed, stage));
  await steps.run("teardown of what is gone", () => tearDown(rehearsed, stage));
  await steps.run("what is left", () => whatIsLeft(before, stage));
}

const teardownOf = ({ stage }: Rehearsed) => `pnpm --filter infra run teardown --stage ${stage}`;

/** One of our programs, as a person runs it; `failing` is an operation that the toolchain makes fail. */
function ours(
  { environment, log, stage }: Rehearsed,
  name: "deploy" | "teardown",
  words: readonly string[],
  { failing, interruptAt }: { readonly failing?: string; readonly interruptAt?: RegExp } = {},
): Promise<Ended> {
  const given = failing === undefined ? environment : { ...environment, AWS_STANDIN_FAIL: failing };
  const command = [process.execPath, join(infraFolder, `src/${name}.ts`), "--stage", stage];
  return runLogged([...command, ...words], { log, environment: given, interruptAt });
}

async function deploy(rehearsed: Rehearsed): Promise<Ended & { saw: string }> {
  const ended = await ours(rehearsed, "deploy", []);
  mustEnd(ended, { code: exitCodes.ok, says: [new RegExp(`Stage "${rehearsed.stage}" stands`)] });
  const asked = ended.said.includes("The policy pack is not asked") ? "not asked" : "asked";
  return {
    ...ended,
    saw: `${changes(ended.said).length} things made, the policy pack ${asked}`,
  };
}

/** SST's lines about what it did: "|  Created     Steward aws:ecs:Service". */
const changes = (said: string) =>
  said.match(/^\|\s+(Created|Updated|Deleted|Replaced)\s.*$/gm) ?? [];

async function lookAt(
  { account, rehearsal, settings, stage: name }: Rehearsed,
  said: string,
): Promise<{ stage: Stage; saw: string }> {
  const stage = await answered("the stage is there", () => readStage(name, settings, account));
  none(leaks(said, stage.secretTexts), "A secret was on the screen.");
  say(`    no secret was on the screen  (${counted(stage.secretTexts.length, "secret text")})`);
  for (const { look, says } of checks) {
    const saw = await answered(says, async () => look(stage));
    say(`    ${says}  (${saw})`);
  }
  writeDefinitions(definitionsFile(rehearsal), stage);
  return { stage, saw: counted(checks.length + 1, "check") };
}

/** That AWS knows no such thing is an answer, and not the one that is wanted. */
async function answered<T>(says: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof CheckFailed) throw error;
    const { $metadata, message, name } = error as Error & { $metadata?: unknown };
    must($metadata === undefined, `It does not hold that ${says}`, `${name}: ${message}`);
    throw error;
  }
}

/** As the wiring test reads them, which runs them on this machine. */
function writeDefinitions(file: string, { definitions }: Stage): void {
  const { engine, setup, steward, "fleet-default": worker } = definitions;
  writeFileSync(file, `${JSON.stringify({ setup, engine, worker, steward }, null, 2)}\n`);
}

async function deployAgain(rehearsed: Rehearsed, stage: Stage): Promise<string> {
  if (rehearsed.isEmulated) await work(stage);
  const ended = await deploy(rehearsed);
  none(changes(ended.said), "A second deploy changes something.");
  none(leaks(ended.said, stage.secretTexts), "A secret was on the screen.");
  // In a real account the steward itself is at work.
  if (!rehearsed.isEmulated) return "nothing changed";
  none(await undone(stage), "A second deploy touches what is not its own.");
  return "nothing changed; fleets, lease and the setup job's secrets are as they were left";
}

/** What depends on the engine's settings: the fleet at work is not among it. */
const ofTheEngine = ["Engine", "EngineDefinition", "SetupDefinition", "SetupRun"];

async function deployChange(rehearsed: Rehearsed, stage: Stage): Promise<string> {
  const environment = { ...rehearsed.environment, ENGINE_LOG_LEVEL: "info" };
  const ended = await deploy({ ...rehearsed, environment });
  const changed = changes(ended.said).map((line) => line.split(/\s+/)[2] ?? "");
  exactly([...new Set(changed)], ofTheEngine, "What the change touches");
  none(leaks(ended.said, stage.secretTexts), "A secret was on the screen.");
  if (rehearsed.isEmulated) none(await undone(stage), "The change touches what is not its own.");
  return "engine and setup job alone; fleets, lease and secrets are as they were left";
}

async function diff(rehearsed: Rehearsed): Promise<string> {
  const ended = await ours(rehearsed, "deploy", ["--diff"]);
  mustEnd(ended, { code: exitCodes.ok, says: [/No changes/] });
  return "SST says: No changes";
}

async function tearDown(rehearsed: Rehearsed, stage: Stage): Promise<string> {
  const ended = await ours(rehearsed, "teardown", []);
  const says = [new RegExp(`Nothing of stage "${stage.name}" is left in ${stage.account.region}`)];
  mustEnd(ended, { code: exitCodes.ok, says });
  none(leaks(ended.said, stage.secretTexts), "A secret was on the screen.");
  if (rehearsed.isEmulated) must(await keptResult(stage), "The store lost a result.", ended.said);
  return "nothing is left, by its own account; the store has its result";
}

/** Meant to stay: the store, and what SST keeps for its next deploy of any app. */
const stays = (stage: Stage) => [
  `bucket ${storeBucket(stage.account)}`,
  "bucket sst-asset-…",
  "bucket sst-state-…",
  "parameter /sst/bootstrap",
  `parameter /sst/passphrase/hatchery/${stage.name}`,
  "repository sst-asset",
];

async function whatIsLeft(before: ReadonlySet<string>, stage: Stage): Promise<string> {
  // SST's buckets have letters of chance in their names.
  const named = (each: string) => each.replace(/(sst-(asset|state))-[a-z]+$/, "$1-…");
  const after = await inventory();
  const wanted = stays(stage);
  const left = [...after.difference(before)].map(named);
  none(
    left.filter((each) => !wanted.includes(each)),
    "Something is left.",
  );
  const there = [...after].map(named);
  none(
    wanted.filter((each) => !there.includes(each)),
    "Something is gone that is meant to stay.",
  );
  return `${counted(wanted.length, "thing")}, all meant to stay`;
}

await run(
  program("cycle", "One rehearsal; started by rehearse.ts.", [])
    .argument("<rehearsal>")
    .option("--real-account")
    .action(
      async (rehearsal: Rehearsal, { realAccount = false }: { realAccount?: true | false }) => {
        const rehearsed = await begin(rehearsal, realAccount);
        try {
          await (rehearsal === "interrupted" ? interruptedCycle(rehearsed) : wholeCycle(rehearsed));
        } catch (error) {
          if (!(error instanceof CheckFailed)) throw error;
          say(`\n${error.message}\n\nAll that was said: ${rehearsed.log}`);
          if (!rehearsed.isEmulated)
            say(`\nIt may still stand, and costs:  ${teardownOf(rehearsed)}`);
          process.exitCode = exitCodes.workFailed;
        } finally {
          process.stdout.write(`${JSON.stringify(rehearsed.steps.done)}\n`);
        }
      },
    ),
);
