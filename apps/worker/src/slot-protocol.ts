/** What a worker and its slot processes say to each other. */
import type { DesignSettings, Failure } from "@hatchery/experiment";
import type { HandedRows } from "./handover.ts";

/** From the worker: compute these simulations of this experiment. */
export interface SlotJob {
  readonly kind: "run";
  readonly model: string;
  /** What the model's code must be; any when absent. */
  readonly source?: string;
  readonly design: DesignSettings;
  readonly seed: number;
  readonly limits: {
    readonly seconds: number;
    readonly attempts: number;
    readonly memoryBytes: number;
  };
  /** The store's address, where a design reads its rows. */
  readonly store: string;
  /** Where the model's input files are on this machine. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** For a model whose simulations return files. */
  readonly files?: SlotFiles;
  readonly ranges: readonly (readonly [number, number])[];
  /** Attempts that simulations have used up by ending the process they ran in. */
  readonly attemptsUsed: ReadonlyMap<number, number>;
  /** Simulations that will not be tried again, with their failure. */
  readonly givenUp: ReadonlyMap<number, Failure>;
  /** Announce each simulation before it starts: the last run ended its process and it is not known which it was. */
  readonly isCareful: boolean;
}

export interface SlotFiles {
  /** The most that one simulation may return: as the model has it, and in bytes. */
  readonly limit: string;
  readonly mostBytes: number;
  /** The file to which a simulation's files are appended once it is done, from this length on. */
  readonly spool: string;
  readonly length: number;
}

/** From the worker: stop at the next simulation. */
export interface SlotStop {
  readonly kind: "stop";
}

export type ToSlot = SlotJob | SlotStop;

export type FromSlot =
  | { readonly kind: "ready" }
  | { readonly kind: "unable"; readonly message: string }
  /** The model is not among those that the process has loaded. */
  | { readonly kind: "unknown model"; readonly known: readonly string[] }
  /** The model's code here is another than the job's. */
  | { readonly kind: "other source"; readonly source: string }
  | { readonly kind: "starting"; readonly simulation: number }
  /** `spooled`: how long the spool is with the files of these rows. */
  | { readonly kind: "rows"; readonly rows: HandedRows; readonly spooled?: number }
  | { readonly kind: "log"; readonly simulation: number; readonly message: string }
  /** `peakBytes`: the most memory that the process and its programs have held meanwhile. */
  | { readonly kind: "end"; readonly isStopped: boolean; readonly peakBytes: number };

/** From the slot's watchdog thread, by a pipe of its own, right before it ends the process. */
export interface Verdict {
  readonly simulation: number;
  readonly cause: "time limit" | "memory limit";
  readonly message: string;
}

/** The pipe's file descriptor in the slot process: after stdin, stdout, stderr and the message channel. */
export const verdictDescriptor = 4;
/** The file by which rows are handed over. */
export const handoverDescriptor = 5;
