/**
 * Store: where everything that must outlive a stage is kept, under keys such as
 * `experiments/building-energy/20261121-093000-k3f9/manifest.json`.
 * A folder here (store-folder.ts); a bucket on AWS (store-s3.ts).
 */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
}

export interface Changes extends Disposable {
  /**
   * Resolves when something may be new since the last time, and after `withinMs` in any case: at once in a folder, which
   * tells; only then in a bucket, which does not. Rejects when `signal` aborts. Whoever looks first and waits then misses
   * nothing that comes between.
   */
  next(withinMs: number, signal?: AbortSignal): Promise<void>;
}

export interface Store {
  /** How a person would find it: the folder, or s3://bucket/prefix. */
  readonly address: string;
  /** How often it may be asked for news: what is free in a folder costs time and money in a bucket. */
  readonly lookEveryMs: number;
  /** How many objects are worth being read at a time: a bucket answers after 20 ms, whatever else it is asked. */
  readonly readsAtATime: number;
  /** News of what is right below a prefix that ends in "/", from now on. */
  changes(prefix: string): Changes;
  /** How a person would find one object. */
  addressOf(key: string): string;
  /** A folder reads into memory from `take`, where it is given: for who reads much and knows when it is done with. */
  read(key: string, take?: (bytes: number) => Buffer): Promise<Buffer | undefined>;
  /** The last `bytes` of an object: what a Parquet reader needs first. */
  readEnd(key: string, bytes: number): Promise<Buffer | undefined>;
  /** `bytes` of an object from the byte `from` on, fewer where it ends before: one of many files in a pack. */
  readRange(key: string, from: number, bytes: number): Promise<Buffer | undefined>;
  /**
   * Writes a new object in one step: readers see all of it or nothing.
   * Answers false, and changes nothing, when the key is taken.
   */
  create(key: string, content: Uint8Array | string): Promise<boolean>;
  /** Writes an object that is derived from others (progress, summary) over what was there, in one step. */
  replace(key: string, content: Uint8Array | string): Promise<void>;
  /** Like `replace`, from a local file, which is moved away. */
  replaceFromFile(key: string, file: string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Objects whose key starts with `prefix`, in key order. */
  list(prefix: string): Promise<StoredObject[]>;
  /**
   * The names right below a prefix that ends in "/", as a folder listing has them, in order; those after `after` only
   * when it is given. Nobody has to list what is known already: 50,000 parts are 50 requests to a bucket.
   */
  names(prefix: string, after?: string): Promise<string[]>;
  /** A local file with the object's content, read only; for a folder store the object itself. */
  localFile(key: string): Promise<string | undefined>;
}

/** Refuses a key that a folder would not hold as a bucket does. */
export function checkKey(key: string): string {
  // A leading dot is for what is being written; it covers "." and ".." too.
  if (key.split("/").some((name) => name === "" || name.startsWith(".")))
    throw new Error(
      `"${key}" is no key of a store: it has an empty name or one that begins with a dot.`,
    );
  return key;
}

/** Reads a JSON object, checked by `parse`. */
export async function readJson<T>(
  store: Store,
  key: string,
  parse: (value: unknown) => T,
): Promise<T | undefined> {
  const content = await store.read(key);
  return content === undefined ? undefined : parse(JSON.parse(content.toString("utf8")));
}
