/** Whose a thing in the account is: by its tags where it has them, by its name where it has none. */

export interface Leftover {
  /** What it is, in AWS's words: "RDS instance". */
  readonly kind: string;
  readonly name: string;
  readonly why: string;
  /** USD; undefined when it is not known. */
  readonly usdPerMonth: number | undefined;
  /** Meant to stay: the store, SST's bootstrap, a permanent stage's last snapshot. */
  readonly isExpected?: boolean;
  /** The command of AWS's own CLI that removes it, for what SST does not know. */
  readonly remove?: string;
}

interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

export interface Scope {
  readonly stage: string;
  readonly isPermanent: boolean;
  /** What the stage's things are called: this, or this with a hyphen and more. */
  readonly name: string;
  isOurs(name: string | undefined, tags?: readonly Tag[]): boolean;
  /** By tags alone, for what has a name that says nothing. */
  isTagged(tags: readonly Tag[] | undefined): boolean;
}

/** `others` are the account's other stages: "a-b" has things whose names look like stage "a"'s. */
export function stageScope(
  stage: string,
  others: readonly string[],
  options: { readonly isPermanent?: boolean } = {},
): Scope {
  const name = `hatchery-${stage}`;
  const longer = others.filter((other) => other.startsWith(`${stage}-`));
  const isNamed = (candidate: string, of: string) =>
    candidate === `hatchery-${of}` || candidate.startsWith(`hatchery-${of}-`);
  const value = (tags: readonly Tag[], key: string) => tags.find((tag) => tag.Key === key)?.Value;
  const isTagged = (tags: readonly Tag[] = []) =>
    value(tags, "app") === "hatchery" && value(tags, "stage") === stage;
  return {
    stage,
    name,
    isPermanent: options.isPermanent ?? false,
    isTagged,
    isOurs(candidate = "", tags = []) {
      if (value(tags, "stage") !== undefined) return isTagged(tags);
      return isNamed(candidate, stage) && !longer.some((other) => isNamed(candidate, other));
    },
  };
}

/** All pages of a list. */
export async function all<Page, Item>(
  pages: AsyncIterable<Page>,
  items: (page: Page) => readonly Item[] | undefined,
): Promise<Item[]> {
  const found: Item[] = [];
  for await (const page of pages) found.push(...(items(page) ?? []));
  return found;
}
