/** The picture of a stage in docs/aws.md: its arrows with ports are the ways that the security groups leave open. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { workspaceRoot } from "@hatchery/config";
import { expect, test } from "vitest";
import { combinations } from "./combinations.ts";
import { evaluate } from "./graph.ts";

const drawn: Readonly<Record<string, string>> = {
  LoadBalancerGroup: "balancer",
  StewardGroup: "steward",
  WorkerGroup: "workers",
  SetupGroup: "setup",
  EngineGroup: "engine",
  DatabaseGroup: "database",
  BrokerGroup: "broker",
};

function arrows(page: string): string[] {
  const picture = /```mermaid\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  return [...picture.matchAll(/^ +(\w+)\S*.* -- "?([\d, ]+)"? --> (\w+)/gm)].flatMap(
    ([, from, ports = "", to]) => ports.split(", ").map((port) => `${from} ${port} ${to}`),
  );
}

test("the arrows in docs/aws.md are the ways between the parts, and all of them", async () => {
  // With everything that the picture has.
  const graph = await evaluate({ ...combinations["the seed's shape"], BASTION_ENABLED: "false" });
  const ways = graph
    .of("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    .map(({ props }) => ({
      from: drawn[String(props["referencedSecurityGroupId"]).replace(/-id$/, "")],
      to: drawn[String(props["securityGroupId"]).replace(/-id$/, "")],
      port: String(props["fromPort"]),
    }))
    .filter(({ from }) => from !== undefined)
    .map(({ from, port, to }) => `${from} ${port} ${to}`);
  expect(ways.length).toBeGreaterThan(5);
  const page = readFileSync(join(workspaceRoot(), "docs/aws.md"), "utf8");
  expect(arrows(page).toSorted()).toEqual(ways.toSorted());
}, 120_000);
