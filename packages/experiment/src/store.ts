/**
 * Store: where everything that must outlive a stage is kept, under keys such as
 * `experiments/building-energy/20261121-093000-k3f9/manifest.json`.
 * A folder here (store-folder.ts); a bucket on AWS.
 */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
}

export interface Store {
  /** How a person would find it: the folder, or s3://bucket/prefix. */
  readonly address: string;
  read(key: string): Promise<Buffer | undefined>;
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
  /** Like `replace`, from a local file, which is moved or deleted. */
  replaceFromFile(key: string, file: string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Objects whose key starts with `prefix`, in key order. */
  list(prefix: string): Promise<StoredObject[]>;
  /** The names right below a prefix that ends in "/", as a folder listing has them. */
  names(prefix: string): Promise<string[]>;
  /** A local file with the object's content; for a folder store the object itself: read only. */
  localFile(key: string): Promise<string | undefined>;
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
