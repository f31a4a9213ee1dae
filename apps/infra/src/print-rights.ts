/** `rights`: the IAM policies for whoever deploys and tears down. Asks AWS nothing. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { program, chosenStage, run, say } from "./program.ts";
import { rightsToDeploy } from "./rights.ts";

const matching = (pattern: RegExp, what: string) => (value: string) => {
  if (pattern.test(value)) return value;
  throw new InvalidArgumentError(`It must be ${what}.`);
};

const command = program("rights", "Print the IAM policies for whoever deploys and tears down.", [
  "pnpm -s --filter infra run rights                                       for every stage, account and region",
  "pnpm -s --filter infra run rights --stage mystage --region eu-central-1 --account 123456789012",
  "pnpm -s --filter infra run rights --out rights                          a file for each policy",
])
  .option("--stage <stage>", "for this stage alone", "*")
  .option(
    "--account <id>",
    "in this account alone",
    matching(/^\d{12}$/, "an account's twelve digits"),
    "*",
  )
  .option(
    "--region <region>",
    "in this region alone",
    matching(/^[a-z]{2}(-[a-z]+)+-\d$/, "a region such as us-east-1"),
    "*",
  )
  .option("--out <folder>", "write them to files; else to stdout, as a list")
  .action((options: { stage: string; account: string; region: string; out?: string }) => {
    if (options.stage !== "*") chosenStage(options.stage, {});
    const policies = rightsToDeploy(options);
    if (options.out === undefined) {
      process.stdout.write(`${JSON.stringify(policies, null, 2)}\n`);
      return;
    }
    const folder = resolve(process.env["INIT_CWD"] ?? ".", options.out);
    mkdirSync(folder, { recursive: true });
    say("Make them in your account, and attach all of them to whoever deploys:\n");
    for (const [index, policy] of policies.entries()) {
      const name = `hatchery-deploy-${index + 1}`;
      const file = join(folder, `${name}.json`);
      // As AWS counts it: spaces are left out.
      writeFileSync(file, `${JSON.stringify(policy)}\n`);
      say(
        `  aws iam create-policy --policy-name ${name} --policy-document file://${relative(process.env["INIT_CWD"] ?? ".", file)}`,
      );
    }
    say("\nHow far they are tested: docs/aws.md#rights");
  });

await run(command);
