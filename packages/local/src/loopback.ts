/**
 * The one change made to the engine. Its API and its health server listen on every address of the machine, and no
 * setting says otherwise; here they listen on 127.0.0.1, as the stage's other ports do. The build replaces one string
 * in each of two of the engine's files, as it reads them; nothing of the engine's source is kept in this repository.
 */
import { readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";

/** The engine's places, relative to its module: where each of the two servers is given its address. */
const places = [
  {
    file: "api/v1/server/run/run.go",
    before: 'e.Start(fmt.Sprintf(":%d", t.config.Runtime.Port))',
    after: 'e.Start(fmt.Sprintf("127.0.0.1:%d", t.config.Runtime.Port))',
  },
  {
    file: "internal/services/health/health.go",
    before: 'fmt.Sprintf(":%d", port)',
    after: 'fmt.Sprintf("127.0.0.1:%d", port)',
  },
] as const;

/**
 * Writes the changed files to `folder`, and beside them what `go build -overlay` wants. Answers that file's path.
 * Throws an Error unless each place is found exactly once: another version of the engine has to be looked at anew.
 */
export function writeLoopbackOverlay(engineSource: string, folder: string): string {
  const replaced = places.map(({ file, before, after }): [string, string] => {
    const source = path.join(engineSource, file);
    const pieces = readFileSync(source, "utf8").split(before);
    if (pieces.length !== 2)
      throw new Error(
        `${source} has ${pieces.length - 1} places like ${before}; needed is exactly one, to make it listen on loopback only.`,
      );
    const changed = path.join(folder, path.basename(file));
    writeFileSync(changed, pieces.join(after));
    return [source, changed];
  });
  const overlay = path.join(folder, "overlay.json");
  writeFileSync(overlay, JSON.stringify({ Replace: Object.fromEntries(replaced) }));
  return overlay;
}
