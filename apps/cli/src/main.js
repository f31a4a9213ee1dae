/**
 * hatchery: the command line. In JavaScript, since the compiled code that is kept is of no use yet: to strip the types of
 * this one file, Node would load the program that does so, a tenth of a short command's time (35 ms, measured).
 */
import { enableCompileCache } from "node:module";

// Compiled code is kept between commands: half of a short command's time was compiling (0.41 s, then 0.18 s of CPU).
const { directory } = enableCompileCache();
// For the processes of a stage that this command starts.
if (directory !== undefined) process.env["NODE_COMPILE_CACHE"] = directory;
const [{ hatchery }, { processIo }] = await Promise.all([
  import("./hatchery.ts"),
  import("./io.ts"),
]);
process.exitCode = await hatchery(process.argv.slice(2), processIo());
