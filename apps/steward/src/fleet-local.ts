/** A fleet of processes on this machine: the local stage's supervisor follows the file and says who is there. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LocalFleetRequest, LocalStageState } from "@hatchery/config";
import type { Fleet } from "./fleet.ts";

export function createLocalFleet(name: string, file: string): Fleet {
  const stateFile = join(dirname(file), "stage.json");
  return {
    name,
    // Measured: 0.6 to 0.9 s on two cores.
    startSeconds: 1,
    async read() {
      const request = LocalFleetRequest.parse(JSON.parse(await readFile(file, "utf8")));
      const state = LocalStageState.parse(JSON.parse(await readFile(stateFile, "utf8")));
      const running = state.workers.filter(({ fleet }) => fleet === name).length;
      return { desired: request.desired, running, since: state.startedAt };
    },
    async scale(desired) {
      const beside = `${file}.writing`;
      await writeFile(beside, JSON.stringify(LocalFleetRequest.parse({ desired })));
      await rename(beside, file);
    },
  };
}
