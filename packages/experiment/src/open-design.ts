/**
 * Open design: any design, ready to answer. One whose parameters are rows of a file reads those of the simulations
 * that are asked for, so that a chunk of a million-row file costs no more than one of a small file.
 */
import { type AsyncBuffer, parquetMetadataAsync, parquetRead } from "hyparquet";
import type { Column, Value } from "./columns.ts";
import {
  constantParameters,
  createDesign,
  outlineDesign,
  type Design,
  type DesignSettings,
  type RowSettings,
} from "./design.ts";
import { inputKey } from "./layout.ts";
import { decompressors } from "./compression.ts";
import { valuesOf, type Cells } from "./part.ts";
import { countOf, type Ranges } from "./ranges.ts";
import type { Values } from "./rows.ts";
import type { Store } from "./store.ts";
import { createTextBuffer, textAt, type Texts } from "./texts.ts";

/**
 * Rows of a file are in memory for `simulations` alone (all of them unless told); the design answers for no other.
 * Throws a UserError for settings that do not fit the columns, an Error when the store lacks the file.
 */
export async function openDesign(
  columns: readonly Column[],
  settings: DesignSettings,
  seed: number,
  store: Store,
  simulations?: Ranges,
): Promise<Design> {
  if (settings.kind !== "rows") return createDesign(columns, settings, seed);
  const { total, varied } = outlineDesign(columns, settings, seed);
  const wanted = simulations ?? [[0, total]];
  const inFile = columns.filter(({ name }) => settings.columns.includes(name));
  const values = await readRows(inFile, settings, store, wanted);
  const positionOf = positions(wanted);
  const template: Record<string, Value> = {};
  const constant = constantParameters(columns, settings, []);
  // Every name from the start: the columns' order, and one shape for all.
  for (const { name } of columns) template[name] = constant[name] ?? 0;
  return {
    total,
    varied,
    parameters(i) {
      const position = positionOf(i);
      if (position === undefined)
        throw new RangeError(`Simulation ${i} is not one of those that the design was opened for.`);
      const parameters = { ...template };
      for (const [c, { name, kind }] of inFile.entries()) {
        const cells = values[c]!;
        if (cells instanceof Float64Array) {
          const value = cells[position]!;
          parameters[name] = kind === "boolean" ? value === 1 : value;
        } else parameters[name] = textAt(cells, position)!;
      }
      return parameters;
    },
  };
}

/** The rows of some simulations, one after the other, by column. A simulation's row is its number modulo the rows. */
async function readRows(
  columns: readonly Column[],
  settings: RowSettings,
  store: Store,
  simulations: Ranges,
): Promise<Values[]> {
  const count = countOf(simulations);
  const values = columns.map(({ kind }) =>
    kind === "text" ? createTextBuffer(count) : new Float64Array(count),
  );
  const read = () => values.map((each) => (each instanceof Float64Array ? each : each.look()));
  if (count === 0) return read();
  const file = await openRowFile(store, settings);
  let position = 0;
  for (const [first, length] of simulations)
    for (let i = first; i < first + length;) {
      const row = i % settings.rows;
      const group = Math.floor(row / file.groupRows);
      const from = row - group * file.groupRows;
      const rows = await file.readGroup(group, columns);
      const taken = Math.min(first + length - i, rows.count - from);
      for (const [c, target] of values.entries()) {
        const source = rows.values[c]!;
        if (target instanceof Float64Array)
          target.set((source as Float64Array).subarray(from, from + taken), position);
        else target.append(source as Texts, from, from + taken);
      }
      position += taken;
      i += taken;
    }
  return read();
}

/** Where a simulation stands among the ranges: a search, because a round of retries may have thousands of them. */
function positions(ranges: Ranges): (simulation: number) => number | undefined {
  let before = 0;
  const starts = ranges.map(([first, count]) => {
    const start = { first, count, before };
    before += count;
    return start;
  });
  return (simulation) => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (starts[middle]!.first <= simulation) low = middle + 1;
      else high = middle;
    }
    const start = starts[low - 1];
    if (start === undefined || simulation >= start.first + start.count) return undefined;
    return start.before + simulation - start.first;
  };
}

interface RowFile {
  readonly groupRows: number;
  readGroup(group: number, columns: readonly Column[]): Promise<RowGroup>;
}

interface RowGroup {
  readonly count: number;
  readonly values: readonly Values[];
}

/** By content, so what was read stays true: footer, and the last row group, which the next chunk begins with. */
const rowFiles = new Map<string, Promise<RowFile>>();
/** A worker meets its experiments one after the other; a few cover those that overlap. */
const mostRowFiles = 4;

async function openRowFile(store: Store, { sha256, source }: RowSettings): Promise<RowFile> {
  const key = inputKey(sha256, "parquet");
  const address = store.addressOf(key);
  const known = rowFiles.get(address);
  if (known !== undefined) return known;
  const opening = readFooter(store, key, source.name);
  rowFiles.set(address, opening);
  if (rowFiles.size > mostRowFiles) rowFiles.delete(rowFiles.keys().next().value!);
  opening.catch(() => rowFiles.delete(address));
  return opening;
}

/** Reads ranges only: a thousand workers must not bring a whole file each. */
async function readFooter(store: Store, key: string, name: string): Promise<RowFile> {
  const object = (await store.list(key)).find((one) => one.key === key);
  if (object === undefined)
    throw new Error(`The store "${store.address}" lacks ${key}, the rows of ${name}.`);
  const file: AsyncBuffer = {
    byteLength: object.size,
    async slice(from, to = object.size) {
      const bytes = await store.readRange(key, from, to - from);
      if (bytes === undefined) throw new Error(`${store.addressOf(key)} is gone.`);
      return new Uint8Array(bytes).buffer;
    },
  };
  const metadata = await parquetMetadataAsync(file);
  const total = Number(metadata.num_rows);
  const groupRows = Number(metadata.row_groups[0]?.num_rows ?? 0);
  let last: { readonly group: number; readonly rows: RowGroup } | undefined;
  return {
    groupRows,
    async readGroup(group, columns) {
      if (last?.group === group) return last.rows;
      const rowStart = group * groupRows;
      const rowEnd = Math.min(rowStart + groupRows, total);
      const found = new Map<string, Cells>();
      await parquetRead({
        file,
        metadata,
        rowStart,
        rowEnd,
        compressors: decompressors,
        onChunk({ columnName, columnData }) {
          const before = found.get(columnName);
          found.set(columnName, before === undefined ? columnData : [...before, ...columnData]);
        },
      });
      const count = rowEnd - rowStart;
      const values = columns.map((column) => {
        const cells = found.get(column.name);
        if (cells?.length !== count)
          throw new Error(
            `${store.addressOf(key)} has ${cells?.length ?? 0} of ${count} rows of "${column.name}".`,
          );
        return valuesOf(column, cells);
      });
      last = { group, rows: { count, values } };
      return last.rows;
    },
  };
}
