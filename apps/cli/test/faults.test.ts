/** Random faults on a real stage: the ledger must be what was planted, and the dataset that of a run without them. */
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultPlans, openFaultStage, smallPlans, type FaultStage } from "./fault-plan.ts";

let stage: FaultStage;
beforeAll(async () => void (stage = await openFaultStage()));
afterAll(() => stage[Symbol.asyncDispose](), 60_000);

/** Seeds whose plans have, together, each kind of strike and damage; `pnpm faults --plans 20` tries new ones. */
test.each([1, 2, 3])(
  "what was planted is what the ledger tells, of the plan of seed %i",
  async (seed) => {
    const [plan] = fc.sample(faultPlans({ ...smallPlans, simulations: [100, 500] }), {
      seed,
      numRuns: 1,
    });
    const { problems } = await stage.carryOut(plan!);
    expect(problems, JSON.stringify(plan)).toEqual([]);
  },
  120_000,
);
