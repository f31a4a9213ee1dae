/** The shipped models and studies, and studies that do what they should not, or fail on the way. For tests. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineModel, defineStudy } from "@hatchery/experiment";
import { models as shippedModels, studies as shippedStudies } from "@hatchery/models";
import { z } from "zod";

/** What MODELS_MODULE is set to. */
export const waywardStudies = import.meta.filename;

const picky = defineModel({
  name: "picky",
  parameters: z.object({ x: z.int().min(0).max(100) }),
  results: z.object({ square: z.number() }),
  limits: { attempts: 1 },
  simulate({ x }) {
    if (x >= 6) throw new Error("x is too large.");
    return { square: x * x };
  },
});

const xBelow = (count: number) => ({
  kind: "grid" as const,
  levels: { x: count },
  ranges: { x: { minimum: 0, maximum: count - 1 } },
});

/** Two of the first step's eight simulations fail; the rest says how many the second has. */
const failing = defineStudy({
  name: "failing",
  model: "picky",
  seed: 1,
  freshSeeds: true,
  mostSteps: 2,
  async next({ step, summary, results }) {
    if (step === 0) return xBelow(8);
    const { rows } = await results.query(
      "WITH squares AS (SELECT step, square FROM results) SELECT step, count(*), sum(square) FROM squares GROUP BY 1 ORDER BY 1 -- done only",
    );
    if (step === 1) return xBelow(Number(rows[0]![1]));
    const own = await results.query("SELECT count(*) FROM step1;");
    return {
      stop: "Seen both.",
      answer: { rows: JSON.stringify(rows), own: Number(own.rows[0]![0]), failed: summary!.failed },
    };
  },
});

/** Its designs are made of a file that may change: what no study may do. */
const fickle = defineStudy({
  name: "fickle",
  model: "picky",
  seed: 1,
  mostSteps: 5,
  next({ step }) {
    const file = readFileSync(join(process.env["HATCHERY_HOME"]!, "count"), "utf8");
    return step === Number(file) ? { stop: "Enough." } : xBelow(step === 0 ? Number(file) : 2);
  },
});

/** All of it fails, so that its canary holds the rest back; and it never stops. */
const hopeless = defineStudy({
  name: "hopeless",
  model: "picky",
  seed: 1,
  mostSteps: 1,
  next: ({ step }) =>
    step === 0
      ? { kind: "random", simulations: 40, ranges: { x: { minimum: 6, maximum: 100 } } }
      : xBelow(2),
});

export const models = { ...shippedModels, picky };
export const studies = { ...shippedStudies, failing, fickle, hopeless };
