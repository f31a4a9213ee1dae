import { describe, expect, test } from "vitest";
import {
  type Memory,
  cpuChoices,
  gigabytes,
  memoryChoices,
  memoryChoicesText,
  vcpus,
} from "./fargate.ts";
import { parseStageSettings } from "./stage-settings.ts";

/** AWS's own table: least, most and step in GB; 0.25 vCPU has three sizes of its own. */
const published: Record<string, [number, number, number]> = {
  "0.5 vCPU": [1, 4, 1],
  "1 vCPU": [2, 8, 1],
  "2 vCPU": [4, 16, 1],
  "4 vCPU": [8, 30, 1],
  "8 vCPU": [16, 60, 4],
  "16 vCPU": [32, 120, 8],
};

describe("Fargate sizes", () => {
  test.for(Object.entries(published))("%s has the memory that AWS publishes", ([cpu, range]) => {
    const choices = memoryChoices(cpu as (typeof cpuChoices)[number]).map(gigabytes);
    const [least, most, step] = range;
    expect(choices[0]).toBe(least);
    expect(choices.at(-1)).toBe(most);
    expect(new Set(choices.slice(1).map((choice, i) => choice - (choices[i] ?? 0)))).toEqual(
      new Set([step]),
    );
  });

  test("the smallest memory is 2 GB per vCPU", () => {
    for (const cpu of cpuChoices)
      expect(gigabytes(memoryChoices(cpu)[0] ?? "0 GB")).toBe(2 * vcpus(cpu));
  });

  test.for(["WORKER", "ENGINE", "STEWARD"])(
    "every pair is accepted for %s, and every other one refused with what is allowed",
    (part) => {
      const all: Memory[] = [...new Set(cpuChoices.flatMap(memoryChoices)), "121 GB", "0.1 GB"];
      for (const cpu of cpuChoices)
        for (const memory of all) {
          const { problems } = parseStageSettings({
            [`${part}_CPU`]: cpu,
            [`${part}_MEMORY`]: memory,
            DASHBOARD_MEMORY: "0.01 GB",
          });
          expect(problems).toEqual(
            memoryChoices(cpu).includes(memory)
              ? []
              : [
                  {
                    name: `${part}_MEMORY`,
                    reason: `is not possible with ${part}_CPU="${cpu}". Choose ${memoryChoicesText(cpu)}.`,
                  },
                ],
          );
        }
    },
  );

  test("what is allowed is said in words", () => {
    expect(memoryChoicesText("0.25 vCPU")).toBe("0.5 GB, 1 GB or 2 GB");
    expect(memoryChoicesText("16 vCPU")).toBe("32 GB to 120 GB in steps of 8 GB");
  });
});
