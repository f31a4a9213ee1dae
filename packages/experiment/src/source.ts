/**
 * Source: which code a model is, as one hash over its files, so that rows of two codes are never mixed unnoticed.
 *
 * The files are those that define it and, from each, every other that it names in quotes: modules, data, scripts.
 * An `index` file has its folder to itself, and a program's folder is the program's; both count whole.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, extname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { getCallSites } from "node:util";
import type { Model } from "./model.ts";

/** SHA-256 over the paths and bytes of all files that a model is made of, as hexadecimal digits. */
export function sourceHash(model: Pick<Model, "definedIn" | "program">): string {
  const files = sourceFiles(model);
  const base = packageFolder(model.definedIn[0] ?? files[0] ?? ".");
  const lines = files.map((file) => {
    const name = relative(base, file).replaceAll(sep, "/");
    return `${name} ${createHash("sha256").update(readFileSync(file)).digest("hex")}\n`;
  });
  return createHash("sha256").update(lines.toSorted().join("")).digest("hex");
}

/** Enough of a hash for a person, as git's. */
export const shortHash = (hash: string) => hash.slice(0, 12);

/** The files a model is made of, ascending. */
export function sourceFiles({
  definedIn,
  program,
}: Pick<Model, "definedIn" | "program">): string[] {
  const found = new Set<string>();
  const open = [...definedIn];
  for (const file of definedIn)
    if (hasFolderOfItsOwn(file)) open.push(...filesBelow(dirname(file)));
  if (program !== undefined) open.push(...filesBelow(program.folder));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    if (moduleEndings.includes(extname(file))) open.push(...named(file));
  }
  return [...found].toSorted();
}

/** The files whose code is running, from the innermost: those of whoever calls `defineModel`, and of its callers. */
export function callingFiles(): string[] {
  const ours = dirname(fileURLToPath(import.meta.url));
  const files = getCallSites(50)
    .map(({ scriptName }) => scriptName.replace(/[?#].*$/, ""))
    .map((name) => (name.startsWith("file:") ? fileURLToPath(name) : name))
    .filter((name) => name.startsWith(sep) && !name.includes(`${sep}node_modules${sep}`));
  return [...new Set(files.filter((file) => dirname(file) !== ours || isTest(file)))];
}

const moduleEndings = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs", ".tsx", ".jsx"];
const isTest = (file: string) => /\.test\.[cm]?[jt]sx?$/.test(file);

/** Not when it is a whole project's, with results and all. */
const hasFolderOfItsOwn = (file: string) =>
  basename(file, extname(file)) === "index" && !existsSync(join(dirname(file), "package.json"));

/** What Dockerfile.dockerignore leaves out of the workers' image, and what an interpreter leaves behind. */
const besideSource = /^(\..*|node_modules|test|bench|__pycache__|.*\.tsbuildinfo)$/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (besideSource.test(entry.name) || isTest(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return isFile(path) ? [path] : [];
  });
}

const quoted = /(["'`])((?:(?!\1)[^\\\n])+)\1/g;
const imported = /(?:\bfrom|\bimport)\s*\(?\s*["']([^"'.][^"']*)["']/g;

/** What a module names: files beside it by their path, and packages that are linked here and not installed. */
function named(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const paths = [...text.matchAll(quoted)]
    .map(([, , name = ""]) => resolve(dirname(file), name))
    .filter(isFile);
  const packages = [...text.matchAll(imported)]
    .map(([, name = ""]) => linkedModule(name, file))
    .filter((path) => path !== undefined);
  return [...paths, ...packages];
}

function linkedModule(name: string, from: string): string | undefined {
  // Hatchery's own are told by its version and by the commit.
  if (name.startsWith("node:") || name.startsWith("@hatchery/")) return undefined;
  try {
    const path = realpathSync(createRequire(from).resolve(name));
    return path.includes(`${sep}node_modules${sep}`) || !isFile(path) ? undefined : path;
  } catch {
    return undefined;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** The nearest folder with a package.json: paths below it are the same on every machine. */
function packageFolder(file: string): string {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, "package.json"))) return folder;
  return dirname(file);
}
