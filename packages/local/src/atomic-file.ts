/** Files that are replaced as a whole: a reader sees the old one or the new one. */
import { renameSync, writeFileSync } from "node:fs";

export function writeAtomically(path: string, text: string, mode = 0o666): void {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}
