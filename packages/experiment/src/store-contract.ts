/** What every store does, as tests: the same for a folder and a bucket. */
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "./store.ts";

export function storeContract(openEmptyStore: () => Promise<Store>): void {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "hatchery-contract-"))));
  afterAll(() => rm(folder, { recursive: true }));
  const text = async (store: Store, key: string) => (await store.read(key))?.toString();

  test("an object is created once; a second writer changes nothing and is told", async () => {
    const store = await openEmptyStore();
    expect(await store.create("a/b.json", "first")).toBe(true);
    expect(await store.create("a/b.json", "second")).toBe(false);
    expect(await text(store, "a/b.json")).toBe("first");
  });

  test("of many writers at the same time exactly one wins, and all of its bytes are there", async () => {
    const store = await openEmptyStore();
    const wins = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.create("part", String(i).repeat(100_000))),
    );
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect(await text(store, "part")).toBe(String(wins.indexOf(true)).repeat(100_000));
    expect(await store.list("")).toEqual([{ key: "part", size: expect.any(Number) }]);
  });

  test("what is derived may be replaced, also from a file, which is moved away", async () => {
    const store = await openEmptyStore();
    await store.replace("progress", "1");
    await store.replace("progress", "2");
    expect(await text(store, "progress")).toBe("2");
    const file = join(folder, "local");
    await writeFile(file, "3");
    await store.replaceFromFile("progress", file);
    expect(await text(store, "progress")).toBe("3");
    await expect(stat(file)).rejects.toThrow("ENOENT");
  });

  test("a missing object is undefined, not an error, and may be removed", async () => {
    const store = await openEmptyStore();
    expect(await store.read("nothing")).toBeUndefined();
    expect(await store.readEnd("nothing", 10)).toBeUndefined();
    expect(await store.readRange("nothing", 0, 10)).toBeUndefined();
    expect(await store.localFile("nothing")).toBeUndefined();
    expect(await store.list("nothing/")).toEqual([]);
    expect(await store.names("nothing/")).toEqual([]);
    await store.remove("nothing");
  });

  test("the end of an object can be read alone", async () => {
    const store = await openEmptyStore();
    await store.create("x", "0123456789");
    expect((await store.readEnd("x", 3))?.toString()).toBe("789");
    expect((await store.readEnd("x", 99))?.toString()).toBe("0123456789");
  });

  test("a range of an object can be read alone, and ends where the object does", async () => {
    const store = await openEmptyStore();
    await store.create("x", "0123456789");
    expect((await store.readRange("x", 2, 3))?.toString()).toBe("234");
    expect((await store.readRange("x", 8, 99))?.toString()).toBe("89");
    expect((await store.readRange("x", 50, 1))?.toString()).toBe("");
    expect((await store.readRange("x", 3, 0))?.toString()).toBe("");
  });

  test("an object may be empty", async () => {
    const store = await openEmptyStore();
    await store.create("marker", "");
    expect(await text(store, "marker")).toBe("");
    expect((await store.readEnd("marker", 8))?.toString()).toBe("");
    expect(await store.list("mark")).toEqual([{ key: "marker", size: 0 }]);
  });

  test("names and lists of more than 1,000 objects are whole and in order", async () => {
    const store = await openEmptyStore();
    const names = Array.from({ length: 1_203 }, (_, i) => `${String(i).padStart(6, "0")}.parquet`);
    for (let from = 0; from < names.length; from += 50)
      await Promise.all(
        names.slice(from, from + 50).map((name) => store.create(`parts/0/${name}`, name)),
      );
    expect(await store.names("parts/0/")).toEqual(names);
    expect(await store.names("parts/0/", "001000")).toEqual(names.slice(1_000));
    expect((await store.list("parts/")).map(({ key }) => key)).toEqual(
      names.map((name) => `parts/0/${name}`),
    );
  }, 120_000);

  test("a large file arrives whole, and comes back as a local file", async () => {
    const store = await openEmptyStore();
    // Three parts of a bucket's upload, the last one short.
    const content = Buffer.alloc(40 * 2 ** 20, "0123456789abcdef!");
    const file = join(folder, "large");
    await writeFile(file, content);
    await store.replaceFromFile("results.parquet", file);
    expect((await store.list(""))[0]).toEqual({ key: "results.parquet", size: content.length });
    expect(await store.readEnd("results.parquet", 100)).toEqual(content.subarray(-100));
    const local = await store.localFile("results.parquet");
    expect(content.equals(await readFile(local!))).toBe(true);
    expect(content.equals((await store.read("results.parquet"))!)).toBe(true);
  }, 60_000);

  test("a local file has the newest content, and is the same file while nothing changes", async () => {
    const store = await openEmptyStore();
    await store.replace("a/report.html", "one");
    const one = await store.localFile("a/report.html");
    expect(await store.localFile("a/report.html")).toBe(one);
    await store.replace("a/report.html", "two");
    expect(await readFile((await store.localFile("a/report.html"))!, "utf8")).toBe("two");
  });

  test("keys may have signs, blanks and letters of any language", async () => {
    const store = await openEmptyStore();
    const keys = [
      "a b/c+d",
      "a%20b",
      "ä/ß",
      "q?x=1&y=2#z",
      "tab\tand'quote\"",
      "日本語/🌍",
      "~(x)!*",
    ];
    for (const key of keys) expect(await store.create(key, key)).toBe(true);
    for (const key of keys) expect(await text(store, key)).toBe(key);
    expect((await store.list("")).map(({ key }) => key)).toEqual(keys.toSorted());
  });

  test.each(["../outside", "a/../../b", "/a", "a//b", "a/", "", "a/.hidden"])(
    "%j is refused as a key",
    async (key) => {
      const store = await openEmptyStore();
      await expect(store.create(key, "x")).rejects.toThrow("is no key of a store");
      await expect(store.read(key)).rejects.toThrow("is no key of a store");
    },
  );
}

const name = fc.constantFrom("a", "b", "B", "10", "9", "a.x", "a-x", "ä");
const key = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const content = fc.string({ maxLength: 20 });
const operation = fc.oneof(
  fc.record({ kind: fc.constantFrom("create" as const, "replace" as const), key, content }),
  fc.record({ kind: fc.constantFrom("read" as const, "remove" as const), key }),
  fc.record({ kind: fc.constant("readEnd" as const), key, bytes: fc.nat(12) }),
  fc.record({ kind: fc.constant("readRange" as const), key, from: fc.nat(12), bytes: fc.nat(12) }),
  fc.record({ kind: fc.constant("list" as const), prefix: fc.oneof(key, fc.constant("")) }),
  fc.record({
    kind: fc.constant("names" as const),
    prefix: fc.oneof(
      key.map((one) => `${one}/`),
      fc.constant(""),
    ),
    after: fc.option(name, { nil: undefined }),
  }),
);
type Operation = typeof operation extends fc.Arbitrary<infer Each> ? Each : never;

/** Any run of operations; no key is at the same time the folder of another, which only a bucket can have. */
export const operations: fc.Arbitrary<Operation[]> = fc
  .array(operation, { minLength: 5, maxLength: 30 })
  .map((all) => {
    const written: string[] = [];
    return all.filter((one) => {
      if (one.kind !== "create" && one.kind !== "replace") return true;
      const clashes = written.some(
        (other) => other.startsWith(`${one.key}/`) || one.key.startsWith(`${other}/`),
      );
      if (!clashes) written.push(one.key);
      return !clashes;
    });
  });

/** What a store answers to one operation, as something to compare. */
export async function answerOf(store: Store, one: Operation): Promise<unknown> {
  switch (one.kind) {
    case "create":
    case "replace":
      return store[one.kind](one.key, one.content);
    case "read":
      return (await store.read(one.key))?.toString();
    case "remove":
      return store.remove(one.key);
    case "readEnd":
      return (await store.readEnd(one.key, one.bytes))?.toString("hex");
    case "readRange":
      return (await store.readRange(one.key, one.from, one.bytes))?.toString("hex");
    case "list":
      return store.list(one.prefix);
    case "names":
      return store.names(one.prefix, one.after);
  }
}
