import { AllocateAddressCommand, CreateVpcCommand, EC2Client } from "@aws-sdk/client-ec2";
import { StageSettings, UserError } from "@hatchery/config";
import { type Moto, startMoto } from "@hatchery/moto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { quotaLines, quotaNeeds, readQuotas, refuseTooSmallQuotas } from "./quotas.ts";

const settings = (input: Record<string, string>) => StageSettings.parse(input);
const need = (code: string, input: Record<string, string>) => {
  const { standing, atMax } = quotaNeeds(settings(input)).find((quota) => quota.code === code)!;
  return { standing, atMax };
};

describe("what a stage needs of the account's quotas", () => {
  test("vCPU of the fleets go to Spot or on demand as the settings say, the parts' to on demand", () => {
    const fleet = { WORKER_MAX: "100", WORKER_CPU: "4 vCPU" };
    expect(need("L-36FBB829", fleet)).toEqual({ standing: 0, atMax: 400 });
    expect(need("L-3032A538", fleet)).toEqual({ standing: 1.5, atMax: 1.5 });
    expect(need("L-3032A538", { ...fleet, WORKER_SPOT: "false" }).atMax).toBe(401.5);
    expect(need("L-36FBB829", { ...fleet, WORKER_ON_DEMAND_PERCENT: "25" }).atMax).toBe(300);
  });

  test("an elastic address for each NAT gateway or instance, a VPC unless there is one", () => {
    expect(need("L-0263D0A3", { NAT_GATEWAY: "true", AZ_COUNT: "3" }).standing).toBe(3);
    expect(need("L-0263D0A3", { NAT_INSTANCE: "true", AZ_COUNT: "3" }).standing).toBe(3);
    expect(need("L-F678F1CE", {}).standing).toBe(1);
    expect(need("L-F678F1CE", { VPC_ID: "vpc-0a1b2c3d4e5f67890" }).standing).toBe(0);
  });
});

describe("what AWS answers", () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
    for (const [name, value] of Object.entries(moto.environment)) vi.stubEnv(name, value);
  }, 300_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await moto.stop();
  });

  test("a quota that is not told is said, and is no reason to stop", async () => {
    const answers = await readQuotas("mystage", settings({}));
    expect(answers.find(({ quota }) => quota.code === "L-36FBB829")?.found).toBeUndefined();
    expect(quotaLines(answers, "eu-central-1").join("\n")).toContain(
      "Fargate vCPU on Spot (L-36FBB829): AWS does not say; up to 200 are needed",
    );
    expect(() => refuseTooSmallQuotas(answers, "eu-central-1")).not.toThrow();
  });

  test("a stage for which there is no VPC left is refused, with numbers, code and the next command", async () => {
    const ec2 = new EC2Client({});
    // Five is AWS's quota, and one is there from the start.
    for (let i = 1; i <= 4; i++)
      await ec2.send(new CreateVpcCommand({ CidrBlock: `10.${i}.0.0/16` }));
    const answers = await readQuotas("mystage", settings({}));
    const refusal = () => refuseTooSmallQuotas(answers, "eu-central-1");
    expect(refusal).toThrow(UserError);
    expect(refusal).toThrow("L-F678F1CE  VPCs: 1 needed, 0 of 5 free");
    expect(refusal).toThrow(expect.objectContaining({ exitCode: 4 }));
    expect(refusal).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining("--quota-code L-F678F1CE --desired-value 6"),
      }),
    );
  });

  test("what the stage itself has does not count against it", async () => {
    const ec2 = new EC2Client({});
    const Tags = [
      { Key: "app", Value: "hatchery" },
      { Key: "stage", Value: "mystage" },
    ];
    const { Vpc } = await ec2.send(
      new CreateVpcCommand({
        CidrBlock: "10.9.0.0/16",
        TagSpecifications: [{ ResourceType: "vpc", Tags }],
      }),
    );
    expect(Vpc?.VpcId).toBeDefined();
    await ec2.send(
      new AllocateAddressCommand({ TagSpecifications: [{ ResourceType: "elastic-ip", Tags }] }),
    );
    const used = async (stage: string) =>
      Object.fromEntries(
        await Promise.all(
          quotaNeeds(settings({ NAT_INSTANCE: "true" })).map(
            async (quota) => [quota.code, await quota.usedByOthers?.(stage, ec2)] as const,
          ),
        ),
      );
    expect((await used("mystage"))["L-F678F1CE"]).toBe(5);
    expect((await used("other"))["L-F678F1CE"]).toBe(6);
    expect((await used("mystage"))["L-0263D0A3"]).toBe(0);
    expect((await used("other"))["L-0263D0A3"]).toBe(1);
  });

  test("a quota that only bounds the fleets is told as where they stop", () => {
    const quota = quotaNeeds(settings({})).find(({ code }) => code === "L-36FBB829")!;
    const answers = [{ quota, found: 6, free: 6 }];
    expect(() => refuseTooSmallQuotas(answers, "eu-central-1")).not.toThrow();
    expect(quotaLines(answers, "eu-central-1")[0]).toContain("only 6 of 6 free");
  });
});
