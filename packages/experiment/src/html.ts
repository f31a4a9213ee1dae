/** HTML by template: whatever is put in is escaped, unless it is HTML of this template itself. */

export interface Html {
  readonly markup: string;
}

type Part = string | number | Html | readonly Html[] | undefined;

/** Markup with its interpolations escaped; undefined is nothing, a list is its items one after another. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return {
    markup: strings.reduce((markup, string, i) => markup + markupOf(parts[i - 1]) + string),
  };
}

function markupOf(part: Part): string {
  if (part === undefined) return "";
  if (typeof part === "string" || typeof part === "number") return escape(String(part));
  return "markup" in part ? part.markup : part.map(({ markup }) => markup).join("");
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
}

/** Nothing where there is no text. */
export const when = (text: string | undefined, shown: (text: string) => Html): Html =>
  text === undefined || text === "" ? html`` : shown(text);
