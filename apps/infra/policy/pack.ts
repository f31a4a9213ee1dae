/** The rules as a policy pack of Pulumi, which asks them of each resource before it is made or changed. */
import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules.ts";

export const pack = new PolicyPack("hatchery", {
  enforcementLevel: "mandatory",
  policies: rules.map((rule) => ({
    name: rule.name,
    description: rule.says,
    validateResource({ type, name, props }, report) {
      if (!rule.types.includes(type)) return;
      for (const problem of rule.problems({ type, name, props })) report(problem);
    },
  })),
});
