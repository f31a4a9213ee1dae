export * from "./errors.ts";
export * from "./local-stage.ts";
export * from "./worker.ts";
export * from "./versions.ts";
export * from "./temporary-shim.ts";
