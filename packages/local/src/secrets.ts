/** Secrets of a local stage: files that only their owner may read, made once and kept until the stage is destroyed. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { writeAtomically } from "./atomic-file.ts";

/** The content of the file, which is made first where there is none. */
export function keptSecret(path: string, make: () => string): string {
  if (!existsSync(path)) writeSecret(path, make());
  return readFileSync(path, "utf8");
}

export function writeSecret(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeAtomically(path, content, 0o600);
}

/** Letters and digits with at least one capital, one small letter and one digit, as the engine asks of a password. */
export function newPassword(): string {
  return `Aa1${randomBytes(24).toString("base64url").replaceAll(/[-_]/g, "x")}`;
}
