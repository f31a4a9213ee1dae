/** hatchery: the command line. */
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
