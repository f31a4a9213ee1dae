/**
 * The optional RabbitMQ of a local stage: the machine's own `rabbitmq-server`, run as a node of its own. Names, data,
 * logs and plugins are the stage's, every port is on loopback, and the name service (epmd) is the stage's too: one
 * that Erlang starts by itself would outlive us.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type LocalStagePaths, UserError, exitCodes } from "@hatchery/config";
import type { Ports } from "./ports.ts";
import { type Running, findProgram, launch, stageMark } from "./process.ts";
import { keptSecret, newPassword } from "./secrets.ts";

const user = "hatchery";
// Debian's `rabbitmq-server` in PATH becomes the user `rabbitmq` and its folders; the script that it wraps lies here.
const debianScript = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const sbin = "/usr/local/sbin:/usr/sbin:/sbin:/opt/homebrew/sbin";

export interface BrokerPrograms {
  readonly server: string;
  readonly epmd: string;
}

/** The programs that a broker needs; throws a UserError when they are not installed. */
export function brokerPrograms(path: string = process.env["PATH"] ?? ""): BrokerPrograms {
  const inPath = findProgram("rabbitmq-server", `${path}:${sbin}`);
  const server = inPath !== undefined && existsSync(debianScript) ? debianScript : inPath;
  const epmd = findProgram("epmd", path);
  if (server === undefined || epmd === undefined)
    throw new UserError(
      `BROKER=rabbitmq needs RabbitMQ on this machine, and ${server === undefined ? '"rabbitmq-server"' : 'Erlang\'s "epmd"'} was not found in PATH.`,
      {
        hint: "Install it (Debian: apt-get install rabbitmq-server; macOS: brew install rabbitmq), or leave BROKER unset: Postgres is then the queue.",
        exitCode: exitCodes.wrongSettings,
      },
    );
  return { server, epmd };
}

export interface Broker {
  readonly url: string;
  launchNames(log: string): Running;
  launchServer(log: string): Running;
  namesReady(): Promise<boolean>;
  serverReady(): Promise<boolean>;
}

export function createBroker(paths: LocalStagePaths, ports: Ports): Broker {
  const programs = brokerPrograms();
  const folder = join(paths.folder, "broker");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const password = keptSecret(join(paths.secrets, "broker-password"), newPassword);
  const settings = join(folder, "rabbitmq.conf");
  const plugins = join(folder, "enabled_plugins");
  writeFileSync(settings, serverSettings(ports, password), { mode: 0o600 });
  writeFileSync(plugins, "[].\n");
  const environment = {
    // Erlang's own programs are looked for in PATH; HOME is where it keeps its cookie.
    PATH: `${process.env["PATH"]}:${sbin}`,
    HOME: folder,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    RABBITMQ_NODENAME: "hatchery@localhost",
    RABBITMQ_DIST_PORT: String(ports.erlang),
    RABBITMQ_CONFIG_FILE: settings,
    // Named so that the machine's own files in /etc/rabbitmq are not read.
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, "advanced.config"),
    RABBITMQ_CONF_ENV_FILE: join(folder, "rabbitmq-env.conf"),
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_GENERATED_CONFIG_DIR: join(folder, "generated"),
    RABBITMQ_MNESIA_BASE: join(folder, "data"),
    RABBITMQ_LOG_BASE: join(folder, "logs"),
    RABBITMQ_LOGS: "-",
    // The start script becomes the server instead of a shell around it, whose death the server would survive.
    RUNNING_UNDER_SYSTEMD: "true",
    // Distribution on loopback; schedulers that have nothing to do sleep instead of spinning.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
    ...stageMark(paths.folder),
  };
  return {
    url: `amqp://${user}:${password}@127.0.0.1:${ports.amqp}/`,
    launchNames: (log) =>
      launch({
        name: "broker-names",
        command: [programs.epmd],
        environment,
        log,
        signalOnOurDeath: "SIGKILL",
      }),
    launchServer: (log) =>
      launch({
        name: "broker",
        command: [programs.server],
        environment,
        folder,
        log,
        signalOnOurDeath: "SIGKILL",
      }),
    namesReady: () => answers(ports.epmd, Buffer.from([0, 1, namesRequest])),
    serverReady: () => answers(ports.amqp, protocolHeader),
  };
}

function serverSettings(ports: Ports, password: string): string {
  return [
    `listeners.tcp.default = 127.0.0.1:${ports.amqp}`,
    `default_user = ${user}`,
    `default_pass = ${password}`,
    "log.file = false",
    "log.console = true",
    "log.console.level = warning",
    "",
  ].join("\n");
}

/** EPMD_NAMES_REQ of Erlang's distribution protocol. */
const namesRequest = 110;
/** AMQP 0-9-1 §4.2.2: a server answers it with Connection.Start, once it has booted and not before. */
const protocolHeader = Buffer.from("AMQP\0\0\u0009\u0001", "latin1");

/** Whether something on the port answers these bytes with any bytes. */
function answers(port: number, request: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2_000, () => finish(false));
    socket.once("connect", () => socket.write(request));
    socket.once("data", () => finish(true));
    socket.once("error", () => finish(false));
    socket.once("close", () => finish(false));
  });
}
