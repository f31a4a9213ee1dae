import { createRowBuffer, type Column } from "@hatchery/experiment";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createRowReader, createRowWriter, openHandover } from "./handover.ts";

const columns: Column[] = [
  { name: "x", kind: "number" },
  { name: "kind", kind: "text" },
  { name: "n", kind: "integer" },
];
const row = fc.record(
  { x: fc.double(), kind: fc.string({ unit: "grapheme" }), n: fc.maxSafeInteger() },
  { requiredKeys: ["x"] },
);

test("rows arrive as they were handed over, whatever was before", () => {
  const file = openHandover();
  const write = createRowWriter(file);
  const read = createRowReader(file);
  let end = 0;
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), fc.boolean(), (records, isFailed) => {
      const buffer = createRowBuffer(columns, [], 1);
      records.forEach((record, i) =>
        buffer.push(
          i + 7,
          1,
          0.5,
          [record],
          isFailed ? { cause: "threw", fingerprint: "f", message: "m" } : undefined,
        ),
      );
      const before = structuredClone(buffer.look());
      const written = write(buffer.look(), end);
      end = written.end;
      // As a message: it is serialized.
      expect(read(structuredClone(written.handed))).toEqual(before);
    }),
  );
});

test("rows that are not there are an error, not zeros", () => {
  const read = createRowReader(openHandover());
  expect(() => read({ at: 0, count: 3, failures: [], texts: [null] })).toThrow("3 rows");
});
