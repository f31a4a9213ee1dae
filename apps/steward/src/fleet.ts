/** Fleet: how many workers a stage should have. The steward is the one writer of that count. */
import { rename, writeFile } from "node:fs/promises";
import { LocalFleetRequest } from "@hatchery/config";

export interface Fleet {
  scale(desired: number): Promise<void>;
}

/** A fleet of processes on this machine: the local stage's supervisor follows the file. */
export function createLocalFleet(file: string): Fleet {
  return {
    async scale(desired) {
      const beside = `${file}.writing`;
      await writeFile(beside, JSON.stringify(LocalFleetRequest.parse({ desired })));
      await rename(beside, file);
    },
  };
}
