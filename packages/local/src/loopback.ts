/**
 * The one change made to the engine. Its API and its health server listen on every address of the machine, and no
 * setting says otherwise; here they listen on 127.0.0.1, as the stage's other ports do. Before the build one string is
 * replaced in each of two of the engine's files; nothing of the engine's source is kept in this repository.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import * as path from "node:path";

export const engineModulePath = "github.com/hatchet-dev/hatchet";

/** Where each of the two servers is given its address. */
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
 * Fills `folder` with the engine's source, changed, and with our go.mod, which points there. Answers that go.mod, for
 * `go build -modfile`. Go refuses an overlay over its own module cache, hence the copy: 35 MB until the build is done.
 * Throws an Error unless each place is found exactly once: another version of the engine has to be looked at anew.
 */
export function writeLoopbackModule(input: {
  readonly engineSource: string;
  readonly ourModule: string;
  readonly folder: string;
}): string {
  const { engineSource, ourModule, folder } = input;
  const copy = path.join(folder, "engine");
  copyReadable(engineSource, copy);
  for (const { file, before, after } of places) {
    const target = path.join(copy, file);
    const pieces = readFileSync(target, "utf8").split(before);
    if (pieces.length !== 2)
      throw new Error(
        `The engine's ${file} has ${pieces.length - 1} places like ${before}; to listen on loopback only it must have exactly one.`,
      );
    writeFileSync(target, pieces.join(after));
  }
  const module = path.join(folder, "go.mod");
  const replacement = `\nreplace ${engineModulePath} => ${JSON.stringify(copy)}\n`;
  writeFileSync(module, readFileSync(path.join(ourModule, "go.mod"), "utf8") + replacement);
  copyFileSync(path.join(ourModule, "go.sum"), path.join(folder, "go.sum"));
  return module;
}

/** Go's module cache is read-only, files and folders; a copy that keeps the modes could not be changed or deleted. */
function copyReadable(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [path.join(source, entry.name), path.join(target, entry.name)];
    // The dashboard: three quarters of it all, and no Go.
    if (entry.name === "frontend") continue;
    if (entry.isDirectory()) copyReadable(from, to);
    else writeFileSync(to, readFileSync(from));
  }
}
