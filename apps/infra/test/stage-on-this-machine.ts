/**
 * What a stage on AWS stands on, on this machine: moto's Secrets Manager, S3, SQS and ECS, a Postgres that takes
 * nothing but TLS and has a certificate of its own maker, and RabbitMQ where it is asked for.
 */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import {
  type StageSecret,
  databaseUrl,
  enginePorts,
  localStagePaths,
  secretName,
  sharedFolder,
  stageSecrets,
} from "@hatchery/config";
import {
  answersQueries,
  choosePorts,
  createBroker,
  createDatabase,
  engineBinaries,
  launchDatabase,
  newPassword,
  type Running,
} from "@hatchery/local";
import type { Moto } from "@hatchery/moto";
import type { Machine } from "./task-on-this-machine.ts";

export type StageOnThisMachine = Awaited<ReturnType<typeof standUp>>;

/** On a moto of the caller's: SDK clients that a process shares go to one endpoint for as long as it lives. */
export async function standUp(moto: Moto, stage: string, broker: "none" | "rabbitmq") {
  const folder = mkdtempSync(join(tmpdir(), "hatchery-wiring-"));
  const engineFolder = await engineBinaries();
  const paths = localStagePaths(stage, folder);
  for (const each of [paths.logs, paths.secrets]) mkdirSync(each, { recursive: true });
  const ports = await choosePorts(paths.folder, {});
  const processes: Running[] = [];

  const password = newPassword();
  const passwordFile = join(paths.secrets, "database-password");
  writeFileSync(passwordFile, password, { mode: 0o600 });
  await createDatabase(paths, passwordFile);
  const certificates = takeOnlyTls(join(paths.database, "data"));
  const urlWith = (certificateFile: string) =>
    databaseUrl({
      host: "localhost",
      port: ports.database,
      name: "postgres",
      user: "hatchery",
      password,
    }).replace(`${sharedFolder}/database-ca.pem`, certificateFile);
  const url = urlWith(certificates);
  processes.push(launchDatabase(paths, ports.database, join(paths.logs, "database.log")));
  await until(() => answersQueries(url));

  const rabbit = broker === "rabbitmq" ? createBroker(paths, ports) : undefined;
  if (rabbit !== undefined) {
    processes.push(rabbit.launchNames(join(paths.logs, "broker.log")));
    await until(() => rabbit.namesReady());
    processes.push(rabbit.launchServer(join(paths.logs, "broker.log")));
    await until(() => rabbit.serverReady());
  }

  // The AWS SDK of this process, and of those that it starts.
  Object.assign(process.env, moto.environment);
  const secrets = new SecretsManagerClient();
  const known: Partial<Record<StageSecret, string>> = {
    "database-url": urlWith(`${sharedFolder}/database-ca.pem`),
    "admin-password": newPassword(),
    ...(rabbit && { "broker-url": rabbit.url }),
  };
  for (const name of stageSecrets)
    await secrets.send(
      new CreateSecretCommand({
        Name: secretName(stage, name),
        ...(known[name] && { SecretString: known[name] }),
      }),
    );

  const loopback = "127.0.0.1";
  const host = `Engine.${stage}.hatchet.sst`;
  const machine: Machine = {
    folder,
    engineFolder,
    root: join(import.meta.dirname, "..", "..", ".."),
    imageCommands: { dashboard: [join(engineFolder, "hatchet-api")] },
    environment: {
      ...moto.environment,
      // No setting of the stage's: 9090 on every address.
      SERVER_PROMETHEUS_ADDRESS: `${loopback}:0`,
      DATABASE_CERTIFICATES: readFileSync(certificates, "utf8"),
    },
    addresses: [
      [`${host}:${enginePorts.grpc}`, `${loopback}:${ports.grpc}`],
      [`${loopback}:${enginePorts.grpc}`, `${loopback}:${ports.grpc}`],
      [`http://${host}`, `http://${loopback}:${ports.api}`],
    ],
    variables: {
      SERVER_GRPC_BIND_ADDRESS: loopback,
      SERVER_GRPC_PORT: String(ports.grpc),
      SERVER_PORT: String(ports.api),
      SERVER_HEALTHCHECK_PORT: String(ports.health),
    },
    secrets,
  };

  return {
    stage,
    folder,
    ports,
    machine,
    url: `http://${loopback}:${ports.api}`,
    /** An address of the stage as it is here. */
    local: (address: string) =>
      machine.addresses.reduce((text, [from, to]) => text.replaceAll(from, to), address),
    /** With a certificate file of this process. */
    databaseUrl: url,
    async secret(name: StageSecret) {
      const found = await secrets.send(
        new GetSecretValueCommand({ SecretId: secretName(stage, name) }),
      );
      return { value: found.SecretString!, version: found.VersionId! };
    },
    async setSecret(name: StageSecret, value: string) {
      await secrets.send(
        new PutSecretValueCommand({ SecretId: secretName(stage, name), SecretString: value }),
      );
    },
    async tearDown() {
      for (const running of processes.toReversed()) await running.stop("SIGINT", 10_000);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  withinMs = 110_000,
): Promise<void> {
  for (const deadline = Date.now() + withinMs; !(await condition()); await sleep(50))
    if (Date.now() > deadline)
      throw new Error(`It did not come true within ${withinMs / 1_000} s.`);
}

/** As RDS with rds.force_ssl: answers where the certificate of its maker is. */
function takeOnlyTls(data: string): string {
  const file = (name: string) => join(data, name);
  const openssl = (...words: string[]) => execFileSync("openssl", words, { stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    ...newKey,
    "-days",
    "2",
    "-subj",
    "/CN=maker",
    "-keyout",
    file("maker.key"),
    "-out",
    file("maker.pem"),
  );
  openssl(
    "req",
    ...newKey,
    "-subj",
    "/CN=localhost",
    "-keyout",
    file("server.key"),
    "-out",
    file("server.csr"),
  );
  writeFileSync(file("names"), "subjectAltName=DNS:localhost");
  openssl(
    "x509",
    "-req",
    "-in",
    file("server.csr"),
    "-CA",
    file("maker.pem"),
    "-CAkey",
    file("maker.key"),
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    file("names"),
    "-out",
    file("server.pem"),
  );
  chmodSync(file("server.key"), 0o600);
  appendFileSync(
    file("postgresql.conf"),
    "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server.key'\n",
  );
  writeFileSync(file("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n");
  return file("maker.pem");
}
