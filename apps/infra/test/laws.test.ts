import { expect, test } from "vitest";
import { evaluate } from "./graph.ts";

const D = `sha256:${"0".repeat(64)}`;
test("x", async () => {
  for (const more of [{}, {ROOT_DOMAIN:"acmelab.com", BROKER_INSTANCE_TYPE: "mq.m7g.medium", BASTION_ENABLED: "true", NAT_INSTANCE: "true"}]) {
  const t = Date.now();
  const graph = await evaluate({
    ENGINE_IMAGES: JSON.stringify({ engine: `e.com/e@${D}`, dashboard: `e.com/d@${D}`, migrate: `e.com/m@${D}`, admin: `e.com/a@${D}` }),
    ...more,
  });
  console.log(Date.now() - t, graph.resources.length, graph.resources.map((r) => r.type + " " + r.name).join("\n"));
  console.log(JSON.stringify(graph.outputs));
  }
  expect(1).toBe(1);
});
