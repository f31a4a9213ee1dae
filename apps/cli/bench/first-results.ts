/** First results: `hatchery run` of a hundred simulations on a stage that is up, from the command to the results. */
import { median, rounded, runExperiment, secondsOf, type Measure } from "./measure.ts";

const mostSeconds = 5;

export const firstResults: Measure = async ({ stage, isShort }) => {
  const machine = await stage();
  const seconds: number[] = [];
  for (let run = 0; run < (isShort ? 1 : 5); run++)
    seconds.push(
      await secondsOf(() => runExperiment(machine, { model: "building-energy", simulations: 100 })),
    );
  return [
    {
      work: "100 simulations on a stage that is up, command to results",
      bar: `≤ ${mostSeconds} s`,
      measured: `${median(seconds).toFixed(2)} s (${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)})`,
      isMet: median(seconds) <= mostSeconds,
      figures: { seconds: seconds.map((each) => rounded(each)) },
    },
  ];
};
