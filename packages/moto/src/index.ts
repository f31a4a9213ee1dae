/**
 * AWS on this machine, for tests: moto's server, a Python program that answers AWS's APIs from memory.
 * It knows no permissions and runs no container; what a test shows with it is that the calls are right.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { UserError, exitCodes } from "@hatchery/config";
import { cacheFolder, lockHolder, releaseLock, takeLock } from "@hatchery/local";

const requirements = join(import.meta.dirname, "..", "requirements.txt");
const region = "eu-central-1";

export interface Moto extends AsyncDisposable {
  readonly endpoint: string;
  /** What leads the AWS SDK, and any program that uses it, to this server and nowhere else. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts an empty AWS. The first start on a machine installs moto into the cache (a minute, 320 MB). */
export async function startMoto(environment: NodeJS.ProcessEnv = process.env): Promise<Moto> {
  const python = await installedPython(environment);
  const server = spawn(python, [join(import.meta.dirname, "server.py")], {
    // It ends when its stdin does: also when this process is killed.
    stdio: ["pipe", "ignore", "pipe"],
    env: { PATH: environment["PATH"], PYTHONUNBUFFERED: "1" },
  });
  const endpoint = await addressOf(server);
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    server.kill();
    await once(server, "exit");
  };
  return {
    endpoint,
    environment: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: "moto",
      AWS_SECRET_ACCESS_KEY: "moto",
      // Nothing of the person who runs the tests.
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_EC2_METADATA_DISABLED: "true",
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The address that the server says it listens on. */
async function addressOf(server: ChildProcess): Promise<string> {
  const said: string[] = [];
  let address: string | undefined;
  for await (const line of createInterface(server.stderr!)) {
    said.push(line);
    address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
    if (address !== undefined) break;
  }
  // Each request is a line: unread, they would fill the pipe and stop the server.
  server.stderr!.resume();
  if (address !== undefined) return address;
  throw new Error(`moto did not start:\n${said.slice(-10).join("\n")}`);
}

/** The Python of the environment that has moto, made first where the cache has none. */
async function installedPython(environment: NodeJS.ProcessEnv): Promise<string> {
  const version = /^moto==(.+)$/m.exec(readFileSync(requirements, "utf8"))![1]!;
  const folder = join(cacheFolder(environment), "moto", version);
  const lock = `${folder}.lock`;
  while (!existsSync(folder)) {
    if (takeLock(lock) === undefined)
      try {
        // The one before us may have finished between our look and our lock.
        if (!existsSync(folder)) await install(folder, environment);
      } finally {
        releaseLock(lock);
      }
    else while (lockHolder(lock) !== undefined) await sleep(200);
  }
  return join(folder, "bin", "python3");
}

/** Installs beside the folder and then gives it its name: no half of an installation is ever found. */
async function install(folder: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const beside = `${folder}.installing`;
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(dirname(beside), { recursive: true });
  const run = (program: string, ...words: string[]) =>
    promisify(execFile)(program, words, { env: environment }).catch((error: Error) => {
      throw new UserError(`moto, AWS for tests, cannot be installed: ${error.message.trim()}`, {
        hint: "It needs python3 from 3.10 on with its venv module, as the package python3-venv has it, and pip's way to a package index.",
        exitCode: exitCodes.wrongSettings,
        cause: error,
      });
    });
  try {
    await run("python3", "-m", "venv", beside);
    const pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check"];
    await run(join(beside, "bin", "python3"), ...pip, "--requirement", requirements);
    renameSync(beside, folder);
  } finally {
    rmSync(beside, { recursive: true, force: true });
  }
}
