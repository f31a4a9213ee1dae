/** SST's own source, which an SST app is typed and evaluated against: written by `sst install`, on demand. */
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const infra = join(import.meta.dirname, "..");
export const platform = join(infra, ".sst/platform");
/** A module as SST's own source has it. */
export const fromPlatform = createRequire(join(platform, "package.json"));

/** The version that SST 4.17.1 asks for. */
const pulumiVersion = "v3.215.0";

/** For vitest and for the type check. Makes it where it is not yet: 40 s, and 320 MB. Needs no account. */
export function setup(): void {
  if (existsSync(join(platform, "node_modules/@pulumi/docker-build/package.json"))) return;
  process.stderr.write("Installing SST's platform, once: about a minute.\n");
  // SST would download Pulumi first, which no test needs: it only looks at the version.
  const config = join(infra, ".sst/config");
  const pulumi = join(config, "sst/bin/pulumi");
  mkdirSync(join(config, "sst/bin"), { recursive: true });
  writeFileSync(pulumi, `#!/bin/sh\necho ${pulumiVersion}\n`, { mode: 0o755 });
  execFileSync(join(infra, "node_modules/.bin/sst"), ["install"], {
    cwd: infra,
    stdio: ["ignore", "ignore", "inherit"],
    env: {
      ...process.env,
      SST_STAGE: "test",
      SST_NO_BUN: "1",
      SST_TELEMETRY_DISABLED: "1",
      XDG_CONFIG_HOME: config,
      SST_PULUMI_PATH: pulumi,
    },
  });
}
