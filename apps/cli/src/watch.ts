/** Watch: follows an experiment to its close by what the store says. Leaving it never touches the experiment. */
import { UserError, exitCodes, isLocalStage, readLocalStage } from "@hatchery/config";
import { experimentKeys, readProgress, type Progress } from "@hatchery/experiment";
import { stewardFleets } from "./fleets.ts";
import type { Io } from "./io.ts";
import { progressLine } from "./progress-line.ts";
import { isUp, logCommand, stageOption, startCommand, type Stage } from "./stage.ts";

/** Where the store tells of news there is no need to look; a bucket does not, and is asked twice while the steward writes once. */
const lookEveryMs = 1_000;
/** Where nothing can be redrawn, a line so often is a log, not a flood. */
const lineEveryMs = 10_000;
/** A steward that is at work publishes several times a second. */
const silentMs = 15_000;
/** A stage that is up restarts its steward within a second or two; one that is down never will. */
const absentMs = 2_000;
/** A worker is connected about a second after its start. */
const workerlessMs = 20_000;

/**
 * Resolves with the last progress once the experiment is closed. Ctrl-C rejects, and the experiment goes on.
 * An experiment that is run again was closed before: what was published up to `after` does not count.
 */
export async function watch(
  experiment: string,
  stage: Stage,
  io: Io,
  onProgress: (progress: Progress) => void = () => undefined,
  after = "",
): Promise<Progress> {
  let lastLineAt = -Infinity;
  let lastUpdate = "";
  let lastUpdateAt = performance.now();
  const said = new Set<string>();
  let withWorkersAt = performance.now();
  using changes = stage.store.changes(`${experimentKeys(experiment).folder}/`);
  for (;;) {
    const published = await readProgress(stage.store, experiment);
    const progress = published !== undefined && published.updatedAt > after ? published : undefined;
    const now = performance.now();
    if (progress !== undefined && progress.updatedAt !== lastUpdate) {
      lastUpdate = progress.updatedAt;
      lastUpdateAt = now;
      onProgress(progress);
      for (const sentence of progress.trouble ?? [])
        if (!said.has(sentence)) {
          said.add(sentence);
          io.say(sentence);
        }
      if (io.isTerminal) io.redraw(progressLine(progress, io.columns));
      else if (now - lastLineAt > lineEveryMs || progress.state === "closed") {
        io.say(progressLine(progress, io.columns));
        lastLineAt = now;
      }
    }
    if (progress?.state === "closed") return progress;
    const keeper = published?.stage ?? stage.name;
    const silent = now - lastUpdateAt;
    // The steward of a stage on AWS is away for a minute when it is deployed anew, and asking whether it stands is a request.
    const isAbsent = isLocalStage(keeper)
      ? silent > absentMs
      : silent > silentMs && silent < Infinity;
    if (isAbsent && !(await isUp(keeper, io))) throw notUp(experiment, keeper);
    if (now - lastUpdateAt > silentMs) {
      io.say(
        `Nothing has been heard of ${experiment} for ${silentMs / 1_000} s. See:  ${logCommand(keeper, "steward")}`,
      );
      lastUpdateAt = Infinity;
    }
    if (progress?.workers !== 0) withWorkersAt = now;
    else if (now - withWorkersAt > workerlessMs) {
      await explainTrouble(progress.stage, stage, io);
      withWorkersAt = Infinity;
    }
    try {
      await changes.next(lookEveryMs, io.interrupted);
    } catch {
      throw new UserError(`${experiment} goes on without you.`, {
        hint: `Watch it again:  pnpm hatchery watch ${experiment}${stageOption(stage.name, io)}\nCancel it:       pnpm hatchery cancel ${experiment}${stageOption(stage.name, io)}`,
        exitCode: exitCodes.interrupted,
      });
    }
  }
}

function notUp(experiment: string, stage: string): UserError {
  return new UserError(`The stage "${stage}" is not up, so ${experiment} is not going on.`, {
    hint: `It goes on where it is as soon as the stage is up:  ${startCommand(stage)}`,
    exitCode: exitCodes.stageNotUp,
  });
}

/** Says once why nothing moves, as far as the stage knows. */
async function explainTrouble(keeper: string, { store }: Stage, io: Io): Promise<void> {
  const trouble = readLocalStage(keeper)?.trouble ?? [];
  const fleets = (await stewardFleets({ name: keeper, store }))?.fleets ?? [];
  const wanted = fleets.reduce((sum, { desired }) => sum + desired, 0);
  const sentence =
    wanted > 0
      ? `No worker is at work yet; ${wanted} are on their way, which takes a minute or two on AWS.`
      : "No worker is at work.";
  io.say([sentence, ...trouble, `See:  pnpm hatchery fleet --stage ${keeper}`].join("\n"));
}
