/** Versions that several rooms must agree on, each stated once. */

/** The engine everywhere: built here from the Go module proxy, on AWS from the official images. */
export const engineVersion = "v0.104.7";
/** The TypeScript SDK; the same as the workspace's catalog has, which a test compares. */
export const sdkVersion = "1.33.2";
export const hatcheryVersion = "0.1.0";

/** The engine's images that a stage on AWS runs; the dashboard's has the API in it. */
export const engineImageNames = ["engine", "dashboard", "migrate", "admin"] as const;
export type EngineImageName = (typeof engineImageNames)[number];
