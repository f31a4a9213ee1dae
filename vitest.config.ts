import { defineConfig } from "vitest/config";

/** Vitest leaves one to itself, though it only waits: of two, that is half. */
const cores = "100%";
const alone = ["apps/cli/test/progress.test.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          maxWorkers: cores,
          include: ["{apps,packages}/*/{src,rehearsal}/**/*.test.ts"],
          testTimeout: 30_000,
          // An emulated AWS ends in its own time on a machine that is busy.
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // The stage's resource graph; evaluated by SST's own components, which `sst install` writes at first.
          name: "infra",
          maxWorkers: cores,
          include: ["apps/infra/laws/**/*.test.ts"],
          globalSetup: "apps/infra/laws/platform.ts",
          testTimeout: 120_000,
        },
      },
      {
        test: {
          // Whole stages, two at a time: one alone keeps half of two cores busy (measured), as it mostly waits.
          name: "stage",
          include: ["{apps,packages}/*/test/**/*.test.ts"],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          // The first of them builds the engine where the cache has none.
          hookTimeout: 1_200_000,
        },
      },
      {
        test: {
          // What is held against the speed that a stage had a moment ago: no other may come and go beside it.
          name: "stage-alone",
          include: alone,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
        },
      },
    ],
  },
});
