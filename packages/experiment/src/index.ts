export * from "./columns.ts";
export * from "./model.ts";
export type { RandomStream } from "./random.ts";
