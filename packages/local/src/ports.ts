/**
 * The loopback ports of a local stage. They are a function of the stage's folder, so that a stage finds its old
 * ports again (the worker token holds an address) and two stages seldom want the same ones.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { UserError, exitCodes } from "@hatchery/config";

export const portNames = ["database", "grpc", "api", "health", "amqp", "epmd", "erlang"] as const;
export type PortName = (typeof portNames)[number];
export type Ports = Readonly<Record<PortName, number>>;

export interface RequestedPorts {
  readonly database?: number;
  readonly grpc?: number;
  readonly api?: number;
}

const settingNames = {
  database: "LOCAL_DATABASE_PORT",
  grpc: "LOCAL_GRPC_PORT",
  api: "LOCAL_API_PORT",
} as const;

// Below 32768, where Linux (and above 49152, where macOS) takes the local ports of outgoing connections from.
const lowest = 20_000;
const stages = 1_000;
const portsPerStage = 10;

/** Free ports, those of the settings where they name one. Throws when a port of the settings is in use. */
export async function choosePorts(folder: string, requested: RequestedPorts): Promise<Ports> {
  const taken: string[] = [];
  const entries: [PortName, number][] = [];
  const chosen = new Set(Object.values(requested));
  const block = createHash("sha256").update(folder).digest().readUInt32BE() % stages;
  for (const [index, name] of portNames.entries()) {
    const wanted = name in requested ? requested[name as keyof RequestedPorts] : undefined;
    if (wanted === undefined) {
      const port = await firstFree(lowest + block * portsPerStage + index, chosen);
      chosen.add(port);
      entries.push([name, port]);
    } else {
      if (!(await isFree(wanted)))
        taken.push(`  ${settingNames[name as keyof RequestedPorts]}=${wanted}`);
      entries.push([name, wanted]);
    }
  }
  if (taken.length > 0)
    throw new UserError(
      `${taken.length === 1 ? "A port that the settings name is" : `${taken.length} ports that the settings name are`} in use on this machine.\n\n${taken.join("\n")}`,
      {
        hint: "End the program that listens there, or leave the setting away: a free port is then chosen.",
        exitCode: exitCodes.wrongSettings,
      },
    );
  return Object.fromEntries(entries) as Ports;
}

/** The first free port among this one and the same place in the blocks of other stages. */
async function firstFree(first: number, chosen: ReadonlySet<number>): Promise<number> {
  for (let block = 0; block < stages; block++) {
    const port = lowest + ((first - lowest + block * portsPerStage * 7) % (stages * portsPerStage));
    if (!chosen.has(port) && (await isFree(port))) return port;
  }
  throw new UserError(
    `No free port between ${lowest} and ${lowest + stages * portsPerStage - 1} on this machine.`,
  );
}

export async function isFree(port: number): Promise<boolean> {
  // Both, because the engine's API listens on every address, and macOS lets two programs share a port on two addresses.
  return (await canListen("127.0.0.1", port)) && (await canListen("0.0.0.0", port));
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
