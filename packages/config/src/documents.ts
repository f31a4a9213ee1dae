/**
 * The documents that are made from the settings: `.env.example` and `docs/settings.md`.
 * `node packages/config/src/documents.ts` writes them; a test fails when the committed ones differ.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { cpuChoices, memoryChoicesText } from "./fargate.ts";
import { workspaceRoot } from "./local-stage.ts";
import { pricesAsOf, pricesRegion } from "./prices.ts";
import {
  type SettingName,
  type StageSettings as Settings,
  StageSettings,
  defaultFollows,
  profiles,
  settingGroups,
} from "./stage-settings.ts";

interface SettingDocument {
  readonly name: SettingName;
  readonly group: string;
  readonly description: string;
  /** What is allowed, in words. */
  readonly allowed: string;
  readonly example: string | undefined;
  /** As a settings file has it; undefined when there is none. */
  readonly default: string | undefined;
}

/** The documents' text by path from the workspace's root. */
export function documents(): Record<".env.example" | "docs/settings.md", string> {
  const all = settingDocuments();
  return { ".env.example": exampleFile(all), "docs/settings.md": settingsPage(all) };
}

function settingDocuments(): SettingDocument[] {
  const defaults = StageSettings.parse({});
  return Object.entries(settingGroups).flatMap(([group, fields]) =>
    Object.entries(fields).map(([name, schema]) => {
      const said = innerMeta(schema);
      return {
        name: name as SettingName,
        group,
        description: schema.description ?? "",
        allowed: String(said["error"]).replace(/^must be (.*)\.$/, "$1"),
        example: said["example"] as string | undefined,
        default: written(defaults[name as SettingName]),
      };
    }),
  );
}

/** What `.meta` said of a field before `.default`, `.optional` or `.transform` went around it. */
function innerMeta(schema: z.ZodType): Record<string, unknown> {
  const said = { ...z.globalRegistry.get(schema) };
  const around = schema.def as { innerType?: z.ZodType; in?: z.ZodType };
  const inner = around.innerType ?? around.in;
  return said["error"] !== undefined || inner === undefined ? said : innerMeta(inner);
}

function written(value: Settings[SettingName]): string | undefined {
  // The only object is ENGINE_IMAGES, which is empty by default.
  if (!Array.isArray(value)) return typeof value === "object" ? undefined : value?.toString();
  const items = value.map((item) => (typeof item === "string" ? item : JSON.stringify(item)));
  return items.length === 0 ? undefined : items.join(",");
}

function exampleFile(all: readonly SettingDocument[]): string {
  const groups = Object.keys(settingGroups).map((group) => {
    const entries = all.filter((setting) => setting.group === group).map(exampleEntry);
    return `### ${group}\n\n${entries.join("\n\n")}`;
  });
  return `${[
    `# The settings of a stage. Copy this file to .env.<stage> and change what you like; .env holds for every stage.
# The shell wins over .env.<stage>, which wins over .env. Everything has a default: an empty file is a valid one.
# What to choose on AWS, and how to deploy: docs/aws.md.
# Prices are list prices of ${pricesRegion} of ${pricesAsOf}. Made by "pnpm docs:settings" from packages/config.`,
    ...groups,
  ].join("\n\n")}\n`;
}

function exampleEntry(setting: SettingDocument): string {
  const follows = defaultFollows(setting.name);
  const value = setting.default ?? setting.example ?? "";
  // A value that follows another one would no longer follow it if it stood here.
  const isPut = setting.default !== undefined && follows === undefined;
  const note = follows === undefined ? "" : ` The default follows ${follows}.`;
  return [
    ...lines(`${setting.description}${note}`, 110).map((line) => `# ${line}`),
    `${isPut ? "" : "# "}${setting.name}=${quoted(value)}`,
  ].join("\n");
}

function quoted(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}

function lines(sentence: string, width: number): string[] {
  const made = [""];
  for (const word of sentence.split(" ")) {
    const last = made.at(-1) ?? "";
    if (last.length + word.length >= width) made.push(word);
    else made[made.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return made;
}

function settingsPage(all: readonly SettingDocument[]): string {
  const groups = Object.keys(settingGroups).map((group) => {
    const entries = all.filter((setting) => setting.group === group).map(pageEntry);
    return `## ${group}\n\n${table(["Setting", "Default", "What it does, and what it may be"], entries)}`;
  });
  return `${[
    "# Settings",
    `Made by \`pnpm docs:settings\` from \`packages/config\`. Prices are list prices of ${pricesRegion} of ${pricesAsOf}.`,
    `A stage is set by \`.env.<stage>\` at the workspace's root; \`.env\` holds for every stage; the shell wins over both. An empty value is no value. Everything has a default. A name that is misspelt is a mistake, and all mistakes are reported at once. What to choose on AWS, and what it then costs: [aws.md](aws.md#settings-to-decide).`,
    ...groups,
    "## Sizes of a task",
    "CPU and memory must go together. Left out, memory is the smallest of its CPU.",
    table(
      ["CPU", "Memory"],
      cpuChoices.map((cpu) => [cpu, memoryChoicesText(cpu)]),
    ),
  ].join("\n\n")}\n`;
}

function pageEntry(setting: SettingDocument): string[] {
  const rule = setting.allowed[0] === undefined ? "" : `Is ${setting.allowed}.`;
  return [`\`${setting.name}\``, pageDefault(setting), `${setting.description} ${rule}`];
}

function pageDefault(setting: SettingDocument): string {
  if (setting.default === undefined) return "";
  const follows = defaultFollows(setting.name);
  if (follows !== "PROFILE")
    return follows === undefined
      ? `\`${setting.default}\``
      : `\`${setting.default}\`, follows \`${follows}\``;
  const others = Object.entries(profiles).flatMap(([profile, values]) => {
    const value = (values as Partial<Record<SettingName, string>>)[setting.name];
    return value === undefined ? [] : [`${profile} \`${value}\``];
  });
  return [`\`${setting.default}\``, ...others].join(", ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [head, widths.map((width) => "-".repeat(width)), ...rows].map(line).join("\n");
}

if (import.meta.main)
  for (const [path, text] of Object.entries(documents()))
    writeFileSync(join(workspaceRoot(), path), text);
