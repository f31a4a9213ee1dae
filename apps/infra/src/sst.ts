/** SST's own command line, run on this package's app. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { UserError, exitCodes } from "@hatchery/config";
import { infraFolder, say } from "./program.ts";

type SstCommand = "deploy" | "diff" | "remove" | "unlock";

const policyPack = join(infraFolder, "policy");

/**
 * Lets Pulumi ask the policy pack of each resource before it is made. Pulumi starts a pack by a script that lies beside
 * it, as it does in what SST downloads; a Pulumi that somebody built may lack it.
 */
export function askingPolicy(environment: NodeJS.ProcessEnv = process.env): string[] {
  const pulumi = environment["SST_PULUMI_PATH"];
  if (pulumi === undefined) return ["--policy", policyPack];
  const folder = existsSync(pulumi) ? dirname(realpathSync(pulumi)) : dirname(pulumi);
  if (existsSync(join(folder, "pulumi-analyzer-policy"))) return ["--policy", policyPack];
  say("The policy pack is not asked: beside this SST_PULUMI_PATH is no pulumi-analyzer-policy.\n");
  return [];
}

/** Runs `sst <command> --stage <stage> <options>` with its output where ours goes; answers its exit code. */
export async function sst(
  command: SstCommand,
  stage: string,
  options: readonly string[] = [],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  // Ctrl-C goes to the whole group: SST then finishes what is under way, and we wait for it.
  let isInterrupted = false;
  const note = () => {
    isInterrupted = true;
  };
  process.on("SIGINT", note);
  try {
    const child = spawn("sst", [command, "--stage", stage, ...options], {
      cwd: infraFolder,
      stdio: ["inherit", "inherit", "inherit"],
      // Bun is not part of this workspace: SST's own packages come by npm.
      env: {
        SST_NO_BUN: "1",
        SST_TELEMETRY_DISABLED: "1",
        ...environment,
        SST_STAGE: stage,
        // Pulumi starts the pack by the "node" that it finds: this one.
        PATH: [dirname(process.execPath), environment["PATH"]].join(delimiter),
      },
    });
    const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
    if (code === exitCodes.ok) return code;
    // SST itself ends with 1 then, as it does for everything else.
    if (isInterrupted || signal === "SIGINT") return exitCodes.interrupted;
    return code ?? exitCodes.workFailed;
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
    throw new UserError('SST\'s command line "sst" was not found.', {
      hint: "Run this by pnpm, inside the checkout:  SST_STAGE=mystage pnpm deploy --filter infra",
      exitCode: exitCodes.wrongUsage,
      cause: error,
    });
  } finally {
    process.off("SIGINT", note);
  }
}
