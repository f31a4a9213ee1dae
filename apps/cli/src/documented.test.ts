/** What documents and messages tell people to type, read or look up is there. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import {
  StageSettings,
  hourlyCost,
  pricesAsOf,
  pricesRegion,
  workspaceRoot,
} from "@hatchery/config";
import { expect, test } from "vitest";
import { commands } from "./hatchery.ts";
import { processIo } from "./io.ts";

const root = workspaceRoot();
const files = (...patterns: string[]) =>
  globSync(patterns, { cwd: root, exclude: ["**/node_modules", "**/.sst"] }).toSorted();
const read = (file: string) => readFileSync(join(root, file), "utf8");

const pages = files("*.md", "docs/*.md", "{apps,packages}/**/*.md");
const programs = files("{apps,packages}/*/{src,bench}/**/*.ts").filter(
  (file) => !file.includes(".test."),
);

const program = commands(processIo());
const optionsOf = (command: Command) => command.options.map(({ long }) => long ?? "");

/** What is wrong with one command line, "run pi -n 5 --json"; nothing when it can be typed so. */
function problem(line: string): string | undefined {
  const words = line.split(/\s+/);
  const command = program.commands.find((each) => each.name() === words[0]);
  if (command === undefined) return `no command "${words[0]}"`;
  const sub = command.commands.find((each) => each.name() === words[1]);
  const known = [...optionsOf(sub ?? command), "--help"];
  const unknown = words.filter((word) => word.startsWith("--") && !known.includes(word));
  return unknown.length > 0 ? `"${words[0]}" has no ${unknown.join(", ")}` : undefined;
}

test("every `pnpm hatchery …` of documents and messages is a command with those options", () => {
  const found = [...pages, ...programs].flatMap((file) =>
    [...read(file).matchAll(/pnpm hatchery ([a-z][^`\n#;|]*)/g)].map(([, rest = ""]) => ({
      file,
      // Where the line ends in a program's text, or talk goes on.
      line: rest.split(/\\n|"|\$\{|[,.)] | {2}/)[0]?.replace(/[,.)]+$/, "") ?? "",
    })),
  );
  expect(found.length).toBeGreaterThan(100);
  expect(
    found.flatMap(({ file, line }) => {
      const wrong = problem(line);
      return wrong === undefined ? [] : [`${file}: ${line}: ${wrong}`];
    }),
  ).toEqual([]);
});

test("every `pnpm … run …` and every script of documents and messages is in a package.json", () => {
  const scripts = (folder: string) =>
    Object.keys((JSON.parse(read(`${folder}/package.json`)) as { scripts?: object }).scripts ?? {});
  const ofInfra = scripts("apps/infra");
  const ofRoot = [...scripts("."), "install", "exec"];
  const wrong = [...pages, ...programs].flatMap((file) => {
    const text = read(file);
    return [
      ...[...text.matchAll(/pnpm (?:-s )?--filter infra run ([a-z:-]+)/g)]
        .filter(([, name = ""]) => !ofInfra.includes(name))
        .map(([line]) => `${file}: ${line}`),
      ...[...text.matchAll(/(?:`|^|pnpm@12\.18\.0 )(?:pnpm )?([a-z]+:[a-z]+|[a-z]+)/gm)]
        .filter(([line]) => line.includes("pnpm"))
        .filter(([, name = ""]) => name !== "pnpm" && !ofRoot.includes(name))
        .map(([line]) => `${file}: ${line}`),
    ];
  });
  expect(wrong).toEqual([]);
});

test("no command line of documents and messages starts with the shell's own Node, which may be an older one", () => {
  const others = [...pages, ...programs].flatMap((file) =>
    [...read(file).matchAll(/^\s*["`]?\s*node (?:--|\S+\.[jt]s\b).*$/gm)].map(
      ([line]) => `${file}: ${line}`,
    ),
  );
  expect(others).toEqual([]);
});

/** As GitHub makes them of headings. */
const anchorsOf = (page: string) =>
  [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

function isThere(from: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? from : relative(root, join(root, dirname(from), path));
  if (!existsSync(join(root, target))) return false;
  return anchor === undefined || anchorsOf(target).includes(anchor);
}

test("every link of a page leads to a file, and to a heading in it", () => {
  const dead = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)]
      .filter(([, link = ""]) => !isThere(page, link))
      .map(([, link]) => `${page}: ${link}`),
  );
  expect(dead).toEqual([]);
});

test("every page that a program names is there, with the heading it names", () => {
  const named = programs.flatMap((file) =>
    [...read(file).matchAll(/\bdocs\/[\w-]+\.md(?:#[\w-]+)?/g)].map(([link]) => ({ file, link })),
  );
  expect(named.length).toBeGreaterThan(5);
  expect(
    named
      .filter(({ link }) => !isThere("README.md", link))
      .map(({ file, link }) => `${file}: ${link}`),
  ).toEqual([]);
});

const troubleshooting = "docs/aws-troubleshooting.md";
/** Who speaks to a person about a stage on AWS. */
const speakers = files(
  "apps/infra/src/**/*.ts",
  "apps/steward/src/{fleet,setup/*}.ts",
  "apps/worker/src/{engine,environment}.ts",
  "apps/cli/src/{dashboard,deployed-stage,fleets}.ts",
  "packages/config/src/{aws-errors,env-file,images}.ts",
  "packages/experiment/src/{store-s3,mailbox-sqs,stage-fleets}.ts",
).filter((file) => !file.includes(".test."));

/** What stands in a text whatever is put into it: the pieces between the values. */
const constants = (text: string) =>
  text
    .split(/\$\{(?:[^{}]|\{[^{}]*\})*\}|\$\{.*$|…|\\n|\n/)
    .map((piece) => piece.replaceAll(/^\W+|\W+$/g, ""));
const longestOf = (pieces: readonly string[]) =>
  pieces.reduce((longest, piece) => (piece.length > longest.length ? piece : longest), "");

test("every error that a person may meet on AWS is explained", () => {
  const page = read(troubleshooting).replaceAll(/\s+/g, " ");
  const messages = speakers.flatMap((file) =>
    [
      ...read(file).matchAll(
        /(?:new UserError|explained)\(\s*(?:\w+ === undefined\s*\? )?(?:`((?:[^`\\]|\\.)*)`|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')/g,
      ),
    ].map(([, ...texts]) => ({
      file,
      message: longestOf(
        constants((texts.find((text) => text !== undefined) ?? "").replaceAll("\\'", "'")),
      ),
    })),
  );
  expect(messages.length).toBeGreaterThan(35);
  const silent = messages.filter(({ message }) => !page.includes(message.slice(0, 30)));
  expect(silent.map(({ file, message }) => `${file}: ${message}`)).toEqual([]);
});

test("every message that is explained is one that a program says", () => {
  const said = [...speakers, ...programs].map(read).join("\n").replaceAll(/\s+/g, " ");
  const rows = read(troubleshooting)
    .split("\n")
    .filter((line) => line.startsWith("| "));
  const quoted = rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text),
  );
  expect(quoted.length).toBeGreaterThan(40);
  const known = said.replaceAll("\\'", "'").replaceAll("\\`", "`");
  const isSaid = (text: string) => constants(text).every((piece) => known.includes(piece));
  expect(quoted.filter((text) => !isSaid(text))).toEqual([]);
});

test("every command's help begins with examples that can be typed", () => {
  const leaves = program.commands.flatMap((each) => [each, ...each.commands]);
  const helpOf = (command: Command) => {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    return help;
  };
  for (const command of leaves) {
    const lines = helpOf(command).split("\n");
    expect(lines[0], command.name()).toBe("Examples:");
    const examples = lines.slice(1).filter((line) => line.startsWith("  pnpm hatchery "));
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples)
      expect(problem(example.trim().replace("pnpm hatchery ", ""))).toBeUndefined();
  }
});

test.for(["README.md", "docs/aws.md"])("the costs in %s are those of the price list", (page) => {
  const text = read(page);
  expect(text.replaceAll(/\s+/g, " ")).toMatch(
    new RegExp(`[Ll]ist prices of ${pricesRegion} of ${pricesAsOf}`),
  );
  const rows = text
    .split("\n")
    .filter((line) => /^\| (an empty file|none|`(WORKER_MAX|PROFILE)=)/.test(line));
  expect(rows.length).toBeGreaterThan(2);
  for (const row of rows) {
    const [settings = "", ...figures] = row.split("|").slice(1);
    const set = [...settings.matchAll(/([A-Z_]+)=(\w+)/g)].map(([, name, value]) => [name, value]);
    const { atMaxUsd, idleUsd } = hourlyCost(StageSettings.parse(Object.fromEntries(set)));
    expect(figures.at(-2), row).toContain(atMaxUsd.toFixed(3));
    if (!figures[0]?.includes("the same")) expect(figures[0], row).toContain(idleUsd.toFixed(3));
  }
});
