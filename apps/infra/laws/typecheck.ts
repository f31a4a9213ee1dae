/**
 * `tsc`, but for what is wrong in SST itself: it ships its platform as source, which does not hold under our rules
 * (sst issues 6915 and 6998). To be plain `tsc -p .` again once SST ships types.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { setup as ensurePlatform } from "./platform.ts";

ensurePlatform();
const infra = join(import.meta.dirname, "..");
const tsc = join(infra, "../../node_modules/.bin/tsc");
const { stdout, stderr, status } = spawnSync(tsc, ["-p", ".", "--pretty", "false"], {
  cwd: infra,
  encoding: "utf8",
  maxBuffer: 1 << 28,
});
// A diagnostic begins at the line's start; what belongs to it is indented.
let isOurs = true;
const ours = stdout.split("\n").filter((line) => {
  if (!/^\s/.test(line)) isOurs = !line.startsWith(".sst/");
  return isOurs && line !== "";
});
if (ours.length > 0 || (status !== 0 && stdout === "")) {
  process.stderr.write(`${ours.join("\n")}\n${stderr}`);
  process.exitCode = 1;
}
