/**
 * A stage's settings from where a person writes them: `.env` and `.env.<stage>` at the workspace's root, and the shell,
 * which wins. Only dotenv's `parse` is used: nothing is put into the process's own environment.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "dotenv";
import { UserError, exitCodes } from "./errors.ts";
import { isLocalStage } from "./local-stage.ts";
import { nearestName } from "./nearest-name.ts";
import { type WrongSetting, settingsError } from "./settings-report.ts";
import {
  type SettingName,
  type StageSettings,
  parseStageSettings,
  settingNames,
} from "./stage-settings.ts";

interface Found {
  readonly value: string;
  readonly source: string;
}

/** Names that begin so are meant for us, whatever follows; SERVER_ are the engine's own, made from ENGINE_ settings. */
const ourPrefixes =
  /^(ALARM|BASTION|BROKER|DASHBOARD|DB|ENGINE|FLEET|LEASE|LOCAL|NAT|SERVER|STEWARD|WORKER)_/;

/** A stage's name is part of host names, resource names and folders. Throws when it cannot be. */
export function checkStageName(stage: string): void {
  if (/^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/.test(stage)) return;
  throw new UserError(
    `The stage "${stage}" cannot be called so. A name has 1 to 30 small letters, digits and hyphens, begins with a letter and does not end with a hyphen.`,
    { exitCode: exitCodes.wrongUsage },
  );
}

/** Which settings a person has set for a stage; the others have their defaults. */
export function givenSettings(
  stage: string,
  { root, environment }: { readonly root: string; readonly environment: NodeJS.ProcessEnv },
): Set<SettingName> {
  const files = [`.env.${stage}`, ".env"].map((file) => readEnvFile(join(root, file)).values);
  const isGiven = (value: string | undefined) => value !== undefined && value.trim() !== "";
  return new Set(
    settingNames.filter((name) => [environment, ...files].some((values) => isGiven(values[name]))),
  );
}

/** The settings of a stage. Throws one UserError that names everything that is wrong, in the order of the file. */
export function loadStageSettings(
  stage: string,
  options: { readonly root: string; readonly environment: NodeJS.ProcessEnv },
): StageSettings {
  checkStageName(stage);
  const wrong: WrongSetting[] = [];
  const found = new Map<string, Found>();
  for (const source of [`.env.${stage}`, ".env"]) {
    const file = readEnvFile(join(options.root, source));
    wrong.push(...file.unreadable.map((line) => ({ ...line, source })));
    for (const [name, value] of Object.entries(file.values))
      if (!found.has(name)) found.set(name, { value, source });
  }
  for (const name of settingNames) {
    const value = options.environment[name];
    // In its place in the file, where it has one.
    if (value !== undefined) found.set(name, { value, source: "the shell" });
  }

  const values = Object.fromEntries([...found].map(([name, { value }]) => [name, value]));
  const { settings, problems } = parseStageSettings(values);
  const reasons = new Map(problems.map(({ name, reason }) => [name, reason]));
  for (const [name, { value, source }] of found) {
    const reason = reasons.get(name) ?? unknownName(name);
    reasons.delete(name);
    if (reason !== undefined) wrong.push({ name, value, reason, source });
  }
  // What is left is wrong with a default, and only because of what was set.
  for (const [name, reason] of reasons)
    wrong.push({ name, value: undefined, reason, source: undefined });

  if (settings !== undefined && wrong.length === 0) return settings;
  throw settingsError(wrong, {
    whose: `the stage "${stage}"`,
    hint: `Fix this, then run:  ${isLocalStage(stage) ? `pnpm hatchery up --stage ${stage}` : `SST_STAGE=${stage} pnpm deploy --filter infra`}`,
  });
}

function unknownName(name: string): string | undefined {
  if (settingNames.some((known) => known === name)) return undefined;
  const nearest = nearestName(name, settingNames);
  if (nearest !== undefined) return `is not a setting. Did you mean ${nearest}?`;
  return ourPrefixes.test(name) ? "is not a setting. All of them are in .env.example." : undefined;
}

function readEnvFile(path: string): {
  values: Record<string, string>;
  unreadable: Omit<WrongSetting, "source">[];
} {
  if (!existsSync(path)) return { values: {}, unreadable: [] };
  const text = readText(path).replace(/^\uFEFF/, "");
  const values = parse(text);
  // A quoted value may have several lines, and these need not look like settings.
  const hasLongValue = Object.values(values).some((value) => value.includes("\n"));
  const unreadable = text.split(/\r?\n/).flatMap((line, index) =>
    hasLongValue || /^\s*($|#|(export\s+)?[\w.-]+\s*=)/.test(line)
      ? []
      : [
          {
            name: `line ${index + 1}`,
            value: undefined,
            reason: 'cannot be read. Write NAME="value", or # before a remark.',
          },
        ],
  );
  return { values, unreadable };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UserError(
      `The settings file "${path}" cannot be read: ${(error as Error).message}.`,
      {
        hint: "It must be a text file that you may read.",
        exitCode: exitCodes.wrongSettings,
        cause: error,
      },
    );
  }
}
