import { expect, test } from "vitest";
import { addresses } from "./addresses.ts";
import { StackOutputs } from "./stack-outputs.ts";

test("what infra tells the CLI survives its way as JSON", () => {
  const outputs: StackOutputs = {
    stage: "prod",
    region: "us-east-1",
    store: "s3://hatchery-prod-store",
    mailbox: "https://sqs.us-east-1.amazonaws.com/123456789012/prod-mailbox",
    EngineAddresses: addresses("prod", { ROOT_DOMAIN: "acmelab.com" }),
    fleets: [{ name: "default", cluster: "c", service: "s", min: 0, max: 50, slotsPerWorker: 4 }],
    leaseSchedule: "hatchery-prod-lease",
    versions: { hatchery: "0.1.0", engine: "v0.104.7", sdk: "1.33.2" },
  };
  expect(StackOutputs.parse(JSON.parse(JSON.stringify(outputs)))).toEqual(outputs);
  expect(StackOutputs.safeParse({ ...outputs, store: "a folder" }).success).toBe(false);
});
