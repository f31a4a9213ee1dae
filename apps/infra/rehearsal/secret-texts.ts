/** What of a secret's value must not be seen elsewhere: all of it, each field of it, and the password in an address. */

/** Shorter texts, such as an user's name, are found anywhere. */
const shortest = 12;

export function secretTexts(values: readonly string[]): string[] {
  const texts = values.flatMap((value) => [value, ...partsOf(value)]);
  return [...new Set(texts)].filter((text) => text.length >= shortest);
}

function partsOf(value: string): string[] {
  if (value.startsWith("{"))
    return Object.values(JSON.parse(value) as Record<string, unknown>).map(String);
  if (!URL.canParse(value)) return [];
  const { password } = new URL(value);
  return [password, decodeURIComponent(password)];
}

/** Those that are in a text, cut short: an error about a leak must not be one. */
export function leaks(text: string, secrets: readonly string[]): string[] {
  return secrets
    .filter((secret) => text.includes(secret))
    .map((secret) => `"${secret.slice(0, 3)}…", ${secret.length} characters`);
}
