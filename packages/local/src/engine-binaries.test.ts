import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { UserError, engineVersion } from "@hatchery/config";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  cacheFolder,
  engineBinaries,
  engineFolder,
  enginePrograms,
  isAtLeast,
  leastGo,
} from "./engine-binaries.ts";

let folder: string;
let environment: NodeJS.ProcessEnv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hatchery-engine-"));
  mkdirSync(join(folder, "bin"));
  environment = { HATCHERY_CACHE: join(folder, "cache"), PATH: join(folder, "bin") };
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A Go that answers and builds as told, and counts its builds, beside source that has both places to change. */
function installGo(version: string, build: string): void {
  writeSource("api/v1/server/run/run.go", 'e.Start(fmt.Sprintf(":%d", t.config.Runtime.Port))');
  writeSource("internal/services/health/health.go", 'fmt.Sprintf(":%d", port)');
  const script = `#!/bin/sh
PATH=/usr/bin:/bin
case "$1" in
  version) echo "go version go${version} linux/amd64"; exit;;
  mod) exit;;
  list) echo "${folder}/source"; exit;;
esac
echo build >> "${folder}/builds"
while [ "$1" != -o ]; do shift; done
${build}
`;
  writeFileSync(join(folder, "bin", "go"), script);
  chmodSync(join(folder, "bin", "go"), 0o755);
}
function writeSource(file: string, text: string): void {
  const target = join(folder, "source", file);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}
const buildAll = `for program in ${enginePrograms.join(" ")}; do echo > "$2/$program"; done`;

test("the committed go.mod has the engine's version and the least Go that is asked for", () => {
  const text = readFileSync(join(import.meta.dirname, "..", "engine", "go.mod"), "utf8");
  expect(text).toContain(`github.com/hatchet-dev/hatchet ${engineVersion}\n`);
  expect(text).toContain(`\ngo ${leastGo}\n`);
});

test("without Go the error says what was looked for and what to install", async () => {
  const failure = await engineBinaries({ environment: { ...environment, PATH: "" } }).catch(
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(UserError);
  expect((failure as UserError).message).toBe(
    [
      `The engine ${engineVersion} is not on this machine yet and cannot be built.`,
      "",
      "  Go: not found in PATH.",
      "  Go by Python's pip: python3 not found in PATH.",
    ].join("\n"),
  );
  expect((failure as UserError).hint).toContain(`Install Go ${leastGo} or newer`);
  expect(readdirSync(join(folder, "cache", "engine"))).toEqual([]);
});

test("a Go that is too old is named with its version and the one that is needed", async () => {
  installGo("1.22.4", buildAll);
  await expect(engineBinaries({ environment })).rejects.toThrow(
    `${join(folder, "bin", "go")} is version 1.22.4, needed is ${leastGo} or newer.`,
  );
  expect(existsSync(join(folder, "builds"))).toBe(false);
});

test("two that need the engine at once build it once, and both get it", async () => {
  installGo("1.26.8", `sleep 0.7\n${buildAll}`);
  const heard: string[] = [];
  const [one, other] = await Promise.all([
    engineBinaries({ environment }),
    engineBinaries({ environment, onProgress: (what) => heard.push(what) }),
  ]);
  expect([one, other]).toEqual([engineFolder(environment), engineFolder(environment)]);
  expect(readFileSync(join(folder, "builds"), "utf8")).toBe("build\n");
  expect(readdirSync(one).toSorted()).toEqual([...enginePrograms].toSorted());
  expect(heard[0]).toContain("waiting for process");
  expect(readdirSync(dirname(one))).toHaveLength(1);
});

test("a build that fails leaves nothing, shows its last words, and the next one succeeds", async () => {
  installGo("1.26.8", "echo no space left; exit 1");
  await expect(engineBinaries({ environment })).rejects.toThrow("Go: no space left");
  expect(readdirSync(join(folder, "cache", "engine"))).toEqual([]);
  installGo("1.26.8", buildAll);
  expect(readdirSync(await engineBinaries({ environment }))).toHaveLength(4);
});

test("what is built is the engine's source with two places changed to loopback, and no copy stays", async () => {
  installGo("1.26.8", `cp -r "$2/source" "${folder}/seen"\n${buildAll}`);
  const target = await engineBinaries({ environment });
  const read = (name: string) => readFileSync(join(folder, "seen", name), "utf8");
  expect(read("engine/api/v1/server/run/run.go")).toBe(
    'e.Start(fmt.Sprintf("127.0.0.1:%d", t.config.Runtime.Port))',
  );
  expect(read("engine/internal/services/health/health.go")).toBe(
    'fmt.Sprintf("127.0.0.1:%d", port)',
  );
  expect(read("go.mod")).toContain(
    `\nreplace github.com/hatchet-dev/hatchet => "${target}.building/source/engine"\n`,
  );
  expect(existsSync(join(target, "source"))).toBe(false);
});

test.each([
  ["none", ""],
  ["two", 'fmt.Sprintf(":%d", port) fmt.Sprintf(":%d", port)'],
])("an engine whose source has %s of a place is not built", async (_count, text) => {
  installGo("1.26.8", buildAll);
  writeSource("internal/services/health/health.go", text);
  await expect(engineBinaries({ environment })).rejects.toThrow("must have exactly one");
  expect(existsSync(join(folder, "builds"))).toBe(false);
});

test("what a killed build has left does not hinder the next one", async () => {
  installGo("1.26.8", buildAll);
  const target = engineFolder(environment);
  mkdirSync(`${target}.building`, { recursive: true });
  writeFileSync(join(`${target}.building`, "half"), "");
  writeFileSync(`${target}.lock`, `${process.ppid}\nbefore the last boot\n`);
  expect(readdirSync(await engineBinaries({ environment }))).toHaveLength(4);
  expect(readdirSync(dirname(target))).toHaveLength(1);
});

test("the cache is outside the work tree, where the user's system wants it", () => {
  expect(cacheFolder({ XDG_CACHE_HOME: "/x" })).toBe("/x/hatchery");
  expect(cacheFolder({ HATCHERY_CACHE: "/y" })).toBe("/y");
  expect(cacheFolder({})).toMatch(/\/\.cache\/hatchery$/);
});

test("versions compare by their numbers", () => {
  expect(isAtLeast("1.26.8", "1.26")).toBe(true);
  expect(isAtLeast("1.27", "1.26")).toBe(true);
  expect(isAtLeast("1.9", "1.26")).toBe(false);
  expect(isAtLeast("1.26", "1.26.1")).toBe(false);
  expect(isAtLeast("2.0", "1.26")).toBe(true);
});
