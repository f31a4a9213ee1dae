/** The policy pack as Pulumi starts it, asked as Pulumi asks it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rules } from "../policy/rules.ts";
import { fromPlatform } from "./platform.ts";

const grpc = fromPlatform("@grpc/grpc-js");
const messages = fromPlatform("@pulumi/pulumi/proto/analyzer_pb");
const { AnalyzerClient } = fromPlatform("@pulumi/pulumi/proto/analyzer_grpc_pb");
const { Struct } = fromPlatform("google-protobuf/google/protobuf/struct_pb");

const folder = join(import.meta.dirname, "..", "policy");
let pack: ChildProcess;
let ask: (method: "analyze" | "getAnalyzerInfo", request: unknown) => Promise<unknown>;
beforeAll(async () => {
  // As the script beside Pulumi does.
  const starter = createRequire(join(folder, "x.js")).resolve("@pulumi/pulumi/cmd/run-policy-pack");
  pack = spawn(process.execPath, [starter, "127.0.0.1:1", "."], { cwd: folder });
  const [port] = (await once(createInterface(pack.stdout!), "line")) as [string];
  const client = new AnalyzerClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  ask = async (method, request) =>
    (await promisify(client[method].bind(client))(request)).toObject();
});
afterAll(() => void pack.kill());

async function violations(type: string, props: object) {
  const request = new messages.AnalyzeRequest();
  request.setType(type);
  request.setName("It");
  request.setUrn(`urn:pulumi:laws::hatchery::${type}::It`);
  request.setOptions(new messages.AnalyzerResourceOptions());
  request.setProperties(Struct.fromJavaScript(props));
  const { diagnosticsList } = (await ask("analyze", request)) as {
    diagnosticsList: { policyname: string; message: string; enforcementlevel: number }[];
  };
  return diagnosticsList;
}

test("it has every rule", async () => {
  const { Empty } = fromPlatform("google-protobuf/google/protobuf/empty_pb");
  const { policiesList } = (await ask("getAnalyzerInfo", new Empty())) as {
    policiesList: { name: string }[];
  };
  expect(policiesList.map(({ name }) => name).toSorted()).toEqual(
    rules.map(({ name }) => name).toSorted(),
  );
});

test("a resource that breaks a rule is refused by its name, one that keeps it is not", async () => {
  const broken = await violations("aws:sqs/queue:Queue", { sqsManagedSseEnabled: false });
  expect(broken).toMatchObject([
    {
      policyname: "queues-encrypted",
      message: expect.stringContaining("A queue is encrypted."),
      enforcementlevel: messages.EnforcementLevel.MANDATORY,
    },
  ]);
  expect(await violations("aws:sqs/queue:Queue", { sqsManagedSseEnabled: true })).toEqual([]);
});
