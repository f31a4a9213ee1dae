/** `teardown`: stops what runs or refuses, removes the stage by SST, and proves by AWS's own lists what is left. */
import { createInterface } from "node:readline/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import {
  UserError,
  exitCodes,
  isPermanentStage,
  loadStageSettings,
  pricesAsOf,
  pricesRegion,
  workspaceRoot,
} from "@hatchery/config";
import { asking, isAbsent } from "./account/aws-errors.ts";
import { knownStages } from "./account/left/data.ts";
import { type Leftover, type Leftovers, findLeftovers } from "./account/leftovers.ts";
import { drain, findWork, isAtWork, workText } from "./account/running.ts";
import { type Account, signIn } from "./account/sign-in.ts";
import { chosenStage, program, refuseOwnEnvFiles, run, say } from "./program.ts";
import { sst } from "./sst.ts";

interface Options {
  readonly stage?: string;
  readonly drain?: true;
  readonly drainMinutes: number;
  readonly force?: true;
  readonly yes?: string;
  readonly list?: true;
  readonly json?: true;
  readonly patience: number;
}

const seconds = (what: string) => (value: string) => {
  const number = Number(value);
  if (value.trim() !== "" && number >= 0) return number;
  throw new UserError(`${what} must be a number from 0 on, and is "${value}".`, {
    exitCode: exitCodes.wrongUsage,
  });
};

const command = program(
  "teardown",
  "Remove a stage from AWS and show what is left. The store stays, with all results.",
  [
    "pnpm --filter infra run teardown --stage mystage",
    "pnpm --filter infra run teardown --stage mystage --drain     first stop what runs; it can be resumed",
    "pnpm --filter infra run teardown --stage mystage --list      what stands and what it costs; removes nothing",
  ],
)
  .option("--stage <stage>", "which stage; else SST_STAGE")
  .option("--drain", "cancel what runs, and wait until finished chunks are in the store")
  .option("--drain-minutes <M>", "how long to wait for that", seconds("--drain-minutes"), 15)
  .option(
    "--force",
    "remove it although it is at work; what is computed at the moment is to be resumed",
  )
  .option("--yes <stage>", "the name of a permanent stage, for scripts; a person is asked for it")
  .option("--list", "only list what is there of the stage, with prices")
  .option("--json", "with --list: one JSON document on stdout")
  .option(
    "--patience <S>",
    "how long AWS may take until what was removed is out of its lists",
    seconds("--patience"),
    120,
  )
  .action(teardown);

async function teardown(options: Options): Promise<void> {
  const stage = chosenStage(options.stage);
  if (options.json && !options.list)
    throw new UserError("--json goes with --list.", { exitCode: exitCodes.wrongUsage });
  refuseOwnEnvFiles();
  const settings = loadStageSettings(stage, { root: workspaceRoot(), environment: process.env });
  const account = await signIn(settings);
  const isPermanent = isPermanentStage(stage, settings);
  const look = () =>
    asking("AWS's list of what is in the account", () =>
      findLeftovers(stage, account, { isPermanent }),
    );
  if (options.list) return list(stage, account, await look(), options);

  say(`Stage "${stage}" in ${account.region}, account ${account.accountId}.`);
  if (isPermanent) await confirmName(stage, options.yes);
  await settleWork(stage, account, options);
  if (isPermanent) await endProtection(stage);
  const code = await sst("remove", stage, [], {
    ...process.env,
    // Read by src/app.ts, which protects a permanent stage else.
    TEARDOWN_CONFIRMED: stage,
  });
  const leftovers = await lookPatiently(look, code === exitCodes.ok ? options.patience : 0);
  report(stage, account, leftovers, { isRemoved: code === exitCodes.ok });
  if (code === exitCodes.ok)
    return say(`What it computed is in the store:  pnpm hatchery list --stage ${stage}`);
  if (!wasEverThere(stage, leftovers))
    throw new UserError(`There is no stage "${stage}" in ${account.region}, and there was none.`, {
      hint: "Look at its name, at AWS_REGION and at AWS_PROFILE.",
      exitCode: exitCodes.stageNotUp,
    });
  throw new UserError(`sst remove ended with code ${code}; the reason is above.`, {
    hint: `Run the same command again: it goes on where this one stopped. When SST says that the stage is locked and nobody else deploys it:  pnpm --filter infra exec sst unlock --stage ${stage}`,
    exitCode: code === exitCodes.interrupted ? exitCodes.interrupted : exitCodes.workFailed,
  });
}

/** A stage that is to stay goes only for who can say its name. */
async function confirmName(stage: string, yes: string | undefined): Promise<void> {
  const typed = yes ?? (await ask(`It is permanent. Type its name to remove it: `));
  if (typed === stage) return;
  throw new UserError(
    typed === undefined
      ? `Stage "${stage}" is permanent, and nobody is there to type its name.`
      : `"${typed}" is not its name: nothing was removed.`,
    {
      hint: `In a script:  pnpm --filter infra run teardown --stage ${stage} --yes ${stage}`,
      exitCode: exitCodes.wrongUsage,
    },
  );
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

async function settleWork(stage: string, account: Account, options: Options): Promise<void> {
  const work = await asking(`What stage "${stage}" is at work on`, () => findWork(stage, account));
  if (!isAtWork(work)) return;
  if (options.force) return say(`At work, and removed all the same: ${workText(work)}.`);
  if (!options.drain)
    throw new UserError(`Stage "${stage}" is at work: ${workText(work)}.`, {
      hint: `Wait for it:  pnpm hatchery watch latest --stage ${stage}\nOr stop it, so that "resume" goes on with it later, on any stage:  pnpm --filter infra run teardown --stage ${stage} --drain`,
    });
  await drain(stage, account, {
    minutes: options.drainMinutes,
    onChange: (left) => say(`Draining: ${workText(left)}`),
  });
  say("Drained: what is finished is in the store, the rest can be resumed.");
}

/** RDS refuses to delete a protected database; whoever typed the name has said that it is to go. */
async function endProtection(stage: string): Promise<void> {
  const rds = new RDSClient({});
  const DBInstanceIdentifier = `hatchery-${stage}`;
  try {
    const { DBInstances } = await rds.send(
      new DescribeDBInstancesCommand({ DBInstanceIdentifier }),
    );
    if (!DBInstances?.[0]?.DeletionProtection) return;
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  await asking(`The protection of the database "${DBInstanceIdentifier}"`, () =>
    rds.send(
      new ModifyDBInstanceCommand({
        DBInstanceIdentifier,
        DeletionProtection: false,
        ApplyImmediately: true,
      }),
    ),
  );
}

const isUnexpected = (leftover: Leftover) => !leftover.isExpected;

/** AWS's lists lag behind: a network interface goes minutes after its task. */
async function lookPatiently(look: () => Promise<Leftovers>, patience: number): Promise<Leftovers> {
  const deadline = Date.now() + patience * 1_000;
  for (;;) {
    const leftovers = await look();
    if (!leftovers.found.some(isUnexpected) || Date.now() > deadline) return leftovers;
    say("Something is left; looked at again in 15 s.");
    await sleep(15_000);
  }
}

async function list(
  stage: string,
  account: Account,
  leftovers: Leftovers,
  options: Options,
): Promise<void> {
  if (!options.json) {
    report(stage, account, leftovers);
    // A name that is misspelt must not be taken for a stage that is gone.
    if (!wasEverThere(stage, leftovers)) {
      const stages = (await knownStages()).join(", ");
      say(`No stage of that name was ever here. There are, or were: ${stages || "none"}.`);
    }
    return;
  }
  const { found, unseen } = leftovers;
  process.stdout.write(`${JSON.stringify({ stage, region: account.region, found, unseen })}\n`);
  if (found.some(isUnexpected) || unseen.length > 0) process.exitCode = exitCodes.workFailed;
}

/** SST's passphrase for a stage stays when the stage goes. */
const wasEverThere = (stage: string, { found, unseen }: Leftovers) =>
  unseen.length > 0 ||
  found.some((each) => isUnexpected(each) || each.name === `/sst/passphrase/hatchery/${stage}`);

function report(
  stage: string,
  account: Account,
  { found, unseen }: Leftovers,
  { isRemoved = false } = {},
): void {
  const left = found.filter(isUnexpected);
  const kept = found.filter((each) => each.isExpected);
  if (kept.length > 0) say(`\nStays, and is meant to:\n\n${rows(kept)}`);
  if (left.length > 0) {
    const known = left.reduce((sum, each) => sum + (each.usdPerMonth ?? 0), 0);
    const atLeast = left.some((each) => each.usdPerMonth === undefined) ? "at least " : "";
    const subject = left.length === 1 ? "1 thing" : `${left.length} things`;
    say(
      `\n${subject} of stage "${stage}" in ${account.region} cost${left.length === 1 ? "s" : ""} ${atLeast}${known.toFixed(2)} USD a month (prices of ${pricesRegion}, ${pricesAsOf}):\n\n${isRemoved ? rows(left) : shortRows(left)}`,
    );
    // What is there although SST has removed all it knows, it does not know.
    if (isRemoved)
      say(`\nSST does not know of this. By hand:\n\n${removals(left, account.region)}`);
    else say(`\nTear it down:  pnpm --filter infra run teardown --stage ${stage}`);
    process.exitCode = exitCodes.workFailed;
  }
  if (unseen.length > 0) {
    say(`\nCould not be looked for, so that nothing is proved:\n\n  ${unseen.join("\n  ")}`);
    process.exitCode = exitCodes.workFailed;
  }
  if (left.length === 0 && unseen.length === 0)
    say(`\nNothing of stage "${stage}" is left in ${account.region} that is not meant to stay.`);
}

function removals(left: readonly Leftover[], region: string): string {
  return left
    .map(({ kind, name, remove }) =>
      remove === undefined
        ? `  ${kind} ${name}: in AWS's console`
        : `  aws ${remove} --region ${region}`,
    )
    .join("\n");
}

/** Of a stage that stands what costs is of interest; the rest, its many small parts, in one line. */
function shortRows(leftovers: readonly Leftover[]): string {
  const costing = leftovers.filter(({ usdPerMonth }) => usdPerMonth !== 0);
  if (costing.length === 0) return rows(leftovers);
  const free = Map.groupBy(
    leftovers.filter(({ usdPerMonth }) => usdPerMonth === 0),
    ({ kind }) => kind,
  );
  const kinds = [...free].map(
    ([kind, { length }]) => `${length} ${kind}${length === 1 ? "" : "s"}`,
  );
  return [rows(costing), ...(kinds.length > 0 ? [`  free: ${kinds.join(", ")}`] : [])].join("\n");
}

function rows(leftovers: readonly Leftover[]): string {
  const price = ({ usdPerMonth }: Leftover) =>
    usdPerMonth === undefined ? "price unknown" : `${usdPerMonth.toFixed(2)} USD/month`;
  const sorted = leftovers.toSorted((a, b) => (b.usdPerMonth ?? 0) - (a.usdPerMonth ?? 0));
  const width = (pick: (each: Leftover) => string) =>
    Math.max(...leftovers.map((each) => pick(each).length));
  const [kinds, names, prices] = [
    width(({ kind }) => kind),
    width(({ name }) => name),
    width(price),
  ];
  return sorted
    .map(
      (each) =>
        `  ${each.kind.padEnd(kinds)}  ${each.name.padEnd(names)}  ${price(each).padStart(prices)}  ${each.why}`,
    )
    .join("\n");
}

await run(command);
