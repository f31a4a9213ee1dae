/**
 * Faults: experiments in which simulations misbehave on purpose while the processes that compute them are killed and
 * their parts are spoilt; the ledger must be exactly what was planted, and the dataset that of an undisturbed run.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import * as fc from "fast-check";
import { FaultPlan, faultPlans, openFaultStage, smallPlans } from "../test/fault-plan.ts";

const usage = `Examples:
  pnpm faults                          one plan of 20,000 simulations, three minutes or so
  pnpm faults --plans 20 --seed 7      so many small ones, and which
  pnpm faults --plan plan.json         one again, as it was printed
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h", default: false },
    seed: { type: "string" },
    plans: { type: "string" },
    simulations: { type: "string", default: "20000" },
    plan: { type: "string" },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit();
}
const seed = Number(values.seed ?? (values.plans === undefined ? 1 : Date.now() % 1_000_000));
const simulations = Number(values.simulations);
const say = (text: string) => process.stdout.write(`${text}\n`);

function choosePlans(): FaultPlan[] {
  if (values.plan !== undefined)
    return [FaultPlan.parse(JSON.parse(readFileSync(values.plan, "utf8")))];
  say(`seed ${seed}`);
  if (values.plans !== undefined)
    return fc.sample(faultPlans(smallPlans), { seed, numRuns: Number(values.plans) });
  const large = faultPlans({ simulations: [simulations, simulations], strikes: [16, 20] });
  return fc.sample(large, { seed, numRuns: 1 });
}

let wrong = 0;
const plans = choosePlans();
await using stage = await openFaultStage();
for (const [number, plan] of plans.entries()) {
  const begun = performance.now();
  const { struck, problems } = await stage.carryOut(plan).catch((error: Error) => ({
    struck: new Map<string, number>(),
    problems: [error.message],
  }));
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0);
  const strikes = [...struck].map(([what, times]) => `${what} ${times}×`).join(", ");
  say(
    `${number + 1}/${plans.length}  ${plan.simulations} simulations, ${plan.planted.length} at fault, ${plan.damage.length} parts damaged; ${strikes || "no strike"}; ${seconds} s${problems.length === 0 ? "" : "  WRONG"}`,
  );
  if (problems.length === 0) continue;
  wrong++;
  for (const problem of problems.slice(0, 20)) say(`  ${problem}`);
  say(`  again with --plan: ${JSON.stringify(plan)}`);
}
say(
  wrong === 0
    ? "The ledger is exactly what was planted, and the dataset an undisturbed run's."
    : `${wrong} of ${plans.length} plans came to something else than was planted.`,
);
process.exitCode = wrong === 0 ? 0 : 1;
