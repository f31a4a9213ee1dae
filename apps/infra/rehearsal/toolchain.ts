/** Which SST, and which AWS, a rehearsal runs with: an emulated one, unless somebody says otherwise in so many words. */
import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { UserError, exitCodes } from "@hatchery/config";
import { infraFolder } from "../src/program.ts";

export interface Toolchain {
  /** A line for people. */
  readonly says: string;
  /** Whether AWS is emulated, so that a thing may be made up: an image's digest, a domain. */
  readonly isEmulated: boolean;
  /** Whether an operation can be made to fail, by AWS_STANDIN_FAIL. */
  readonly canFail: boolean;
  /** What is put in front of a program, so that it and whatever it starts reach this AWS. */
  readonly before: (stage: string) => readonly string[];
  readonly environment: NodeJS.ProcessEnv;
}

const examples = `Name a toolchain, a folder with "run.sh PROJECT STAGE COMMAND…", which brings an emulated AWS:
  AWS_TOOLCHAIN=../aws-toolchain pnpm rehearse
or an emulator that runs on this machine; SST then downloads its own Pulumi:
  AWS_ENDPOINT_URL=http://127.0.0.1:5000 pnpm rehearse
or say that your own account is meant, where what stands costs money:
  pnpm rehearse --short --real-account`;

const refuse = (message: string, exitCode: 2 | 4 = exitCodes.notAllowed) =>
  new UserError(message, { hint: examples, exitCode });

/** Throws unless it is clear that nothing can reach an account by accident. */
export function chooseToolchain(
  environment: NodeJS.ProcessEnv,
  { realAccount = false }: { readonly realAccount?: boolean } = {},
): Toolchain {
  const folder = environment["AWS_TOOLCHAIN"] || undefined;
  const endpoint = environment["AWS_ENDPOINT_URL"] || undefined;
  if (realAccount && (folder ?? endpoint) !== undefined)
    throw refuse(
      `--real-account does not go with ${folder === undefined ? "AWS_ENDPOINT_URL" : "AWS_TOOLCHAIN"}.`,
      exitCodes.wrongUsage,
    );
  if (folder !== undefined) return ofFolder(resolve(folder), environment);
  if (endpoint !== undefined) return ofEmulator(endpoint, environment);
  if (realAccount) return official(environment);
  throw refuse("It is not said which AWS to rehearse on.");
}

function ofFolder(folder: string, environment: NodeJS.ProcessEnv): Toolchain {
  const program = join(folder, "run.sh");
  try {
    accessSync(program, constants.X_OK);
  } catch (error) {
    throw refuse(
      `AWS_TOOLCHAIN="${folder}" has no program "run.sh": ${(error as { code?: string }).code}.`,
    );
  }
  return {
    says: `the toolchain of AWS_TOOLCHAIN, ${folder}: its own emulated AWS, new for each rehearsal`,
    isEmulated: true,
    canFail: true,
    before: (stage) => [program, infraFolder, stage],
    // MOTO_PORT would keep the cloud, and what another rehearsal left in it.
    environment: withSst({ ...environment, MOTO_PORT: undefined }),
  };
}

function ofEmulator(endpoint: string, environment: NodeJS.ProcessEnv): Toolchain {
  if (!isLoopback(endpoint)) throw refuse(`AWS_ENDPOINT_URL="${endpoint}" is not on this machine.`);
  return {
    says: `SST's own toolchain, and the emulated AWS at ${endpoint}`,
    isEmulated: true,
    canFail: false,
    before: () => [],
    environment: withSst({
      AWS_REGION: "us-east-1",
      ...environment,
      // No keys of a person, wherever the endpoint leads.
      AWS_ACCESS_KEY_ID: "rehearsal",
      AWS_SECRET_ACCESS_KEY: "rehearsal",
      AWS_SESSION_TOKEN: undefined,
      AWS_PROFILE: undefined,
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
      AWS_EC2_METADATA_DISABLED: "true",
    }),
  };
}

function official(environment: NodeJS.ProcessEnv): Toolchain {
  return {
    says: "SST's own toolchain, and the REAL account that the AWS configuration leads to",
    isEmulated: false,
    canFail: false,
    before: () => [],
    environment: withSst(environment),
  };
}

/** `sst` is a program of this package, which pnpm puts into the PATH of its scripts alone; it starts `node`. */
function withSst(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const programs = [join(infraFolder, "node_modules/.bin"), dirname(process.execPath)];
  return { ...environment, PATH: [...programs, environment["PATH"] ?? ""].join(delimiter) };
}

/** What a rehearsal leaves to read. */
const folder = join(infraFolder, ".sst/rehearsal");
export const logFile = (rehearsal: string) => join(folder, `${rehearsal}.log`);
export const definitionsFile = (rehearsal: string) => join(folder, `${rehearsal}.tasks.json`);

export function isLoopback(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { hostname, protocol } = new URL(endpoint);
  if (protocol !== "http:" && protocol !== "https:") return false;
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
