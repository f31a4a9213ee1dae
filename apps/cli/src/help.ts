/** Help: examples come first, because that is what people copy. */
import { exitCodes } from "@hatchery/config";

export function examples(...lines: readonly string[]): string {
  return `Examples:\n${lines.map((line) => `  pnpm hatchery ${line}`).join("\n")}\n`;
}

const meanings: Record<keyof typeof exitCodes, string> = {
  ok: "everything asked for is done",
  workFailed:
    "the work itself failed: simulations failed or are missing, a teardown left something",
  wrongUsage: "a wrong command, option or argument",
  wrongSettings: "a wrong setting in .env, .env.<stage> or the shell",
  notAllowed: "not signed in, or not allowed",
  stageNotUp: "the stage is not up, or there is none of that name",
  engineUnreachable: "the engine does not answer",
  bug: "a bug in Hatchery",
  interrupted: "left by Ctrl-C; an experiment goes on",
};

export function exitCodeTable(): string {
  const rows = Object.entries(exitCodes).map(
    ([name, code]) => `  ${String(code).padStart(3)}  ${meanings[name as keyof typeof exitCodes]}`,
  );
  return `Exit codes:\n${rows.join("\n")}`;
}
