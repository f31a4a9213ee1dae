/** What a person is told about settings that are wrong: all of them at once, never a secret. */
import { type ExitCode, UserError, exitCodes } from "./errors.ts";

export interface WrongSetting {
  /** The setting's name, or the place in the file where there is none. */
  readonly name: string;
  /** As found; undefined when there is none. */
  readonly value: string | undefined;
  /** What is wrong and what is allowed, after the name: "must be …", "is missing." */
  readonly reason: string;
  /** The file, or "the shell". */
  readonly source: string | undefined;
}

const longestShown = 60;

/** An error that lists every problem in the given order, one line each, aligned. */
export function settingsError(
  wrong: readonly WrongSetting[],
  options: { readonly whose: string; readonly hint: string; readonly exitCode?: ExitCode },
): UserError {
  const sources = new Set(wrong.map((setting) => setting.source));
  const [only] = sources;
  const isOneSource = sources.size === 1 && only !== undefined;
  const where = isOneSource ? `Settings in ${only}` : `Settings of ${options.whose}`;
  const labels = wrong.map(label);
  const width = Math.max(
    ...labels.map((text) => text.length).filter((length) => length <= longestShown),
    0,
  );
  const lines = wrong.map(({ reason, source }, index) => {
    const from = isOneSource || source === undefined ? "" : ` (${source})`;
    return `  ${labels[index]?.padEnd(width)}  ${reason}${from}`;
  });
  const problems = wrong.length === 1 ? "a problem" : `${wrong.length} problems`;
  return new UserError(`${where} have ${problems}.\n\n${lines.join("\n")}`, {
    hint: options.hint,
    exitCode: options.exitCode ?? exitCodes.wrongSettings,
  });
}

function label({ name, value }: WrongSetting): string {
  if (value === undefined) return name;
  if (isSecretName(name)) return `${name}=(secret)`;
  const shown = value.replaceAll("\n", "\\n");
  return `${name}="${shown.length > longestShown ? `${shown.slice(0, longestShown)}…` : shown}"`;
}

/** By name, so that it holds for names that nobody has declared, too. */
export function isSecretName(name: string): boolean {
  return /PASSWORD|SECRET|TOKEN|KEYSET|CREDENTIAL|PRIVATE_KEY|^DATABASE_URL$|RABBITMQ_URL$/i.test(
    name,
  );
}

/** Settings for a log line: what is secret is not there. */
export function redacted(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      isSecretName(name) && value !== undefined ? "(secret)" : value,
    ]),
  );
}
