/** Fleet: how many workers there should be, and how many there are. The steward is the one writer of that count. */
import { UserError, exitCodes } from "@hatchery/config";
import { createEcsFleet } from "./fleet-ecs.ts";
import { createLocalFleet } from "./fleet-local.ts";

export interface FleetSize {
  readonly desired: number;
  /** Workers that are there, those that are on their way out included. */
  readonly running: number;
  /** When this fleet came to be: what was decided about an earlier one of its name does not count. */
  readonly since: string;
}

export interface Fleet {
  readonly name: string;
  /** From the request for a worker to its first chunk. */
  readonly startSeconds: number;
  read(): Promise<FleetSize>;
  scale(desired: number): Promise<void>;
}

/** The fleet at an address: `local:<fleet.json>`, or `ecs:<cluster>/<service>`. */
export function openFleet({ name, at }: { readonly name: string; readonly at: string }): Fleet {
  if (at.startsWith("local:")) return createLocalFleet(name, at.slice("local:".length));
  if (at.startsWith("ecs:")) return createEcsFleet(name, at.slice("ecs:".length));
  throw new UserError(`Fleet "${name}" is at "${at}", which is no fleet's address.`, {
    exitCode: exitCodes.wrongSettings,
  });
}
