/** Models that wait instead of computing, so that many workers fit on few cores; one asks for a fleet of its own. For tests. */
import { setTimeout as sleep } from "node:timers/promises";
import { defineModel } from "@hatchery/experiment";
import { z } from "zod";

const definition = {
  parameters: z.object({ x: z.number().min(0).max(1), milliseconds: z.number().default(50) }),
  results: z.object({ double: z.number() }),
  async simulate({ x, milliseconds }: { x: number; milliseconds: number }) {
    await sleep(milliseconds);
    return { double: 2 * x };
  },
};

export const models = {
  waiting: defineModel({ name: "waiting", ...definition }),
  hungry: defineModel({ name: "hungry", ...definition, needs: { memory: "large" } }),
  homeless: defineModel({ name: "homeless", ...definition, needs: { gpu: "yes" } }),
};
