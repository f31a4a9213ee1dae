/** `deploy`: checks, says what will stand and what it costs, makes store and image lock, runs SST, says what to do next. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import {
  StackOutputs,
  type StageSettings,
  UserError,
  adminEmail,
  adminPasswordCommand,
  engineImageLock,
  engineVersion,
  exitCodes,
  givenSettings,
  hourlyCost,
  loadStageSettings,
  stackOutputsParameter,
  storeAddress,
  workspaceRoot,
} from "@hatchery/config";
import { isAbsent, asking } from "./account/aws-errors.ts";
import { ensureStore } from "./account/ensure-store.ts";
import { quotaLines, readQuotas, refuseTooSmallQuotas } from "./account/quotas.ts";
import { type Account, signIn } from "./account/sign-in.ts";
import { checkDocker } from "./docker.ts";
import { chosenStage, program, refuseOwnEnvFiles, run, say } from "./program.ts";
import { lockFile, resolveEngineImages, writeLock } from "./resolve-images.ts";
import { askingPolicy, sst } from "./sst.ts";
import { costText, limitLines, standingLines } from "./standing.ts";

const command = program("deploy", "Make a stage on AWS, or bring it up to date.", [
  "SST_STAGE=mystage pnpm deploy --filter infra",
  "pnpm --filter infra run deploy --stage mystage",
  "pnpm --filter infra run plan --stage mystage     what it would be and cost; changes nothing",
  "pnpm --filter infra run diff --stage mystage     what SST would change",
])
  .option("--stage <stage>", "which stage; else SST_STAGE")
  .option("--plan", "check, show what would stand and what it costs, and stop")
  .option("--diff", "also show what SST would change, and stop")
  .option("--no-policy", "do not ask the policy pack, apps/infra/policy")
  .action(async (options: { stage?: string; plan?: true; diff?: true; policy: boolean }) => {
    const stage = chosenStage(options.stage);
    refuseOwnEnvFiles();
    const settings = loadStageSettings(stage, {
      root: workspaceRoot(),
      environment: process.env,
    });
    const account = await signIn(settings);
    await show(stage, settings, account);
    if (options.plan) return await sayNext(stage, settings);
    if (!options.diff) await checkDocker(stage, settings);
    await pinImages(settings);
    const rules = options.policy ? askingPolicy() : [];
    if (options.diff) return finish(await sst("diff", stage, rules), stage, "diff");
    await prepareStore(account, settings);
    finish(await sst("deploy", stage, rules), stage, "deploy");
    await sayWhatStands(stage, settings);
  });

async function show(stage: string, settings: StageSettings, account: Account): Promise<void> {
  const { accountId, arn, region } = account;
  say(`Account ${accountId} in ${region}, as ${arn}.`);
  say(`${settingsText(stage)}\n`);
  const quotas = await readQuotas(stage, settings);
  for (const line of standingLines(stage, settings, region)) say(line);
  say("\nWhat limits it, and the setting or quota:");
  for (const line of [...limitLines(settings), ...quotaLines(quotas, region)]) say(`  - ${line}`);
  say();
  refuseTooSmallQuotas(quotas, region);
}

/** Whose settings they are: a stage whose name is misspelt would stand beside the one that was meant. */
function settingsText(stage: string): string {
  const root = workspaceRoot();
  const file = `.env.${stage}`;
  if (existsSync(join(root, file))) return `Settings of ${file}.`;
  const given = [...givenSettings(stage, { root, environment: process.env })];
  return `There is no ${file}: ${given.length === 0 ? "every setting has its default" : `.env or the shell set ${given.join(", ")}, the rest has its default`}.`;
}

/** A plan has gone through: what would stop the deploy all the same, and how to begin it. */
async function sayNext(stage: string, settings: StageSettings): Promise<void> {
  await checkDocker(stage, settings);
  say(`Nothing was made. To deploy it:  ${deployCommand(stage)}`);
}

async function pinImages(settings: StageSettings): Promise<void> {
  const { lock, resolved } = await resolveEngineImages({ settings, lock: engineImageLock });
  if (resolved.length === 0) return;
  writeLock(lock);
  say(`Digests of the engine's images of ${engineVersion}, asked of the registry:`);
  for (const name of resolved) say(`  ${name.padEnd(9)}  ${lock.digests[name]}`);
  say(`They are in ${lockFile()} now: commit it, and every later deploy runs the same.\n`);
}

async function prepareStore(account: Account, settings: StageSettings): Promise<void> {
  const { isNew, retentionDays } = await ensureStore(account, settings);
  const { before, now } = retentionDays;
  const kept =
    now === undefined ? "keeps experiments for ever" : `deletes experiments after ${now} days`;
  say(
    `Store ${storeAddress(account)}, shared by all stages here, ${isNew ? "is made" : "is there"}; it ${kept}.`,
  );
  if (!isNew && before !== now)
    say(`That is new, for the experiments of every stage here: before, ${before ?? "no"} days.`);
  say();
}

/** Throws when SST did not end well; what it said is on the screen. */
function finish(code: number, stage: string, what: "deploy" | "diff"): void {
  if (code === exitCodes.ok) return;
  if (code === exitCodes.interrupted)
    throw new UserError(`The ${what} was interrupted.`, {
      hint: again(stage),
      exitCode: exitCodes.interrupted,
    });
  throw new UserError(
    `sst ${what} ended with code ${code}; the reason is above. What stands costs until it is removed.`,
    {
      hint: `What the reason means: docs/aws-troubleshooting.md#while-the-stage-is-made\n${again(stage)}`,
    },
  );
}

const again = (stage: string) =>
  `Go on where this one stopped:  ${deployCommand(stage)}\nor remove everything:         pnpm --filter infra run teardown --stage ${stage}`;

const deployCommand = (stage: string) => `SST_STAGE=${stage} pnpm deploy --filter infra`;

async function sayWhatStands(stage: string, settings: StageSettings): Promise<void> {
  const outputs = await readOutputs(stage);
  const { internalGrpcBroadcastAddress, externalServerUrl } = outputs.EngineAddresses;
  say(`\nStage "${stage}" stands. It costs ${costText(hourlyCost(settings))}.

  dashboard   ${externalServerUrl ?? `pnpm hatchery dashboard --stage ${stage}`}${dnsRecord(settings, externalServerUrl)}
  log in as   ${adminEmail(settings)}, with the password that this shows:
              ${adminPasswordCommand(stage, outputs.region)}
  fleets      ${outputs.fleets.map(({ name, min, max }) => `${name}, ${min} to ${max} workers`).join("; ")}
  store       ${outputs.store}
  engine      ${internalGrpcBroadcastAddress}, inside the VPC alone

Next:

  pnpm hatchery submit building-energy --simulations 100000 --stage ${stage}
  pnpm hatchery watch latest --stage ${stage}
  pnpm hatchery fleet --stage ${stage}                       # workers, and what they cost now
  pnpm --filter infra run teardown --stage ${stage}          # when you are done`);
}

/** What a person has to add where the domain is not Route 53's. */
function dnsRecord(settings: StageSettings, url: string | undefined): string {
  if (settings.CERTIFICATE_ARN === undefined || url === undefined) return "";
  return `\n  DNS         add the record  ${new URL(url).hostname}  CNAME  <the loadBalancer that stands above>`;
}

async function readOutputs(stage: string): Promise<StackOutputs> {
  const Name = stackOutputsParameter(stage);
  try {
    const { Parameter } = await asking(`The parameter "${Name}"`, () =>
      new SSMClient({}).send(new GetParameterCommand({ Name })),
    );
    return StackOutputs.parse(JSON.parse(Parameter?.Value ?? ""));
  } catch (error) {
    if (!isAbsent(error)) throw error;
    throw new UserError(
      `sst deploy ended well, but there is no parameter "${Name}": the stage is not complete.`,
      {
        hint: `Run the deploy again:  ${deployCommand(stage)}`,
        exitCode: exitCodes.stageNotUp,
        cause: error,
      },
    );
  }
}

await run(command);
