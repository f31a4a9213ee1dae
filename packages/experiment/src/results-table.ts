/**
 * Results table: the file of a dataset that holds every simulation which is done. While one row group is encoded, hashed
 * and written on a thread of its own, the next one is filled: on one thread all of it took twice as long.
 */
import { Worker } from "node:worker_threads";
import type { SchemaElement } from "hyparquet";
import type { Column } from "./columns.ts";
import { createParquetFile } from "./parquet-file.ts";
import { parquetColumn } from "./part.ts";
import { fillGroups, rowsPerGroup, writeRowGroup, type PlainCells } from "./row-group.ts";
import type { Rows } from "./rows.ts";
import { createTextBuffer, type TextBuffer, type Texts } from "./texts.ts";

export interface ResultsTable extends AsyncDisposable {
  /** Takes rows `from` to `to` (exclusive), all of them done. */
  append(rows: Rows, from: number, to: number): Promise<void>;
  /** Once all of it is on the disk: its SHA-256, hex. */
  finish(): Promise<string>;
}

/** What the thread is made with. */
export interface ThreadData {
  readonly path: string;
  readonly schema: readonly SchemaElement[];
}

/** What the thread is told: a row group, or that it was the last one. */
export type ToThread = GroupMessage | "finish";
/** What it answers: the hash at the end, else that it is done with the group. */
export type FromThread = string | undefined;

interface GroupMessage {
  readonly rows: number;
  /** Which of the buffers. */
  readonly buffer: number;
  /** The buffer's memory, which both threads then share, the first time; undefined for a column of texts. */
  readonly numbers?: readonly (SharedNumbers | undefined)[];
  /** Of the columns of texts, in their order. */
  readonly texts: readonly Texts[];
}
export type SharedNumbers = Int32Array<SharedArrayBuffer> | Float64Array<SharedArrayBuffer>;

/** Of about so many rows: whether they fill more than one group, and a thread is worth its start. */
export function createResultsTable(
  path: string,
  columns: readonly Column[],
  expected: number,
): ResultsTable {
  const schema: SchemaElement[] = [
    { name: "simulation", type: "INT32", repetition_type: "REQUIRED" },
    ...columns.map((column) => parquetColumn(column, false)),
  ];
  let filling = createGroup(columns, 0);
  let spare = createGroup(columns, 1);
  let thread = expected > rowsPerGroup ? startThread({ path, schema }) : undefined;
  let writing: Promise<unknown> = Promise.resolve();

  async function write(): Promise<void> {
    await writing;
    thread ??= startThread({ path, schema });
    writing = thread.ask(filling.take());
    // Whoever awaits it next hears of its failure.
    writing.catch(() => undefined);
    [filling, spare] = [spare, filling];
  }

  return {
    append: (rows, from, to) => fillGroups(() => filling, write, rows, from, to),
    async finish() {
      if (thread === undefined) {
        using file = createParquetFile(path, schema);
        if (filling.count > 0)
          await writeRowGroup(file.parquet, filling.look(), { statistics: true });
        return file.finish();
      }
      if (filling.count > 0) await write();
      await writing;
      return (await thread.ask("finish"))!;
    },
    async [Symbol.asyncDispose]() {
      await thread?.end();
    },
  };
}

/** A row group as it is filled. */
interface Group {
  readonly count: number;
  append(rows: Rows, from: number, to: number): void;
  look(): PlainCells[];
  /** All of it, and it is empty. */
  take(): GroupMessage;
}

function createGroup(columns: readonly Column[], buffer: number): Group {
  const simulation = new Int32Array(new SharedArrayBuffer(4 * rowsPerGroup));
  const values = columns.map(({ kind }) =>
    kind === "text"
      ? createTextBuffer(0)
      : new Float64Array(new SharedArrayBuffer(8 * rowsPerGroup)),
  );
  const all = [simulation, ...values];
  let count = 0;
  let isShared = false;
  return {
    get count() {
      return count;
    },
    append(rows, from, to) {
      simulation.set(rows.simulation.subarray(from, to), count);
      for (const [c, target] of values.entries()) {
        const source = rows.values[c]!;
        if (isTexts(target)) target.append(source as Texts, from, to);
        else target.set((source as Float64Array).subarray(from, to), count);
      }
      count += to - from;
    },
    look: () => all.map((column) => (isTexts(column) ? column.look() : column.subarray(0, count))),
    take() {
      const message: GroupMessage = {
        rows: count,
        buffer,
        ...(!isShared && { numbers: all.map((column) => (isTexts(column) ? undefined : column)) }),
        texts: values.filter(isTexts).map((column) => column.look()),
      };
      isShared = true;
      count = 0;
      for (const column of values) if (isTexts(column)) column.clear();
      return message;
    },
  };
}

const isTexts = (column: SharedNumbers | TextBuffer): column is TextBuffer => "look" in column;

interface Thread {
  ask(message: ToThread): Promise<FromThread>;
  end(): Promise<unknown>;
}

function startThread(workerData: ThreadData): Thread {
  const worker = new Worker(new URL("./results-table-thread.ts", import.meta.url), { workerData });
  const asked: PromiseWithResolvers<FromThread>[] = [];
  let failure: Error | undefined;
  worker.on("message", (answer: FromThread) => asked.shift()!.resolve(answer));
  worker.on("error", (error: Error) => {
    failure = error;
    for (const { reject } of asked) reject(error);
  });
  return {
    async ask(message) {
      if (failure !== undefined) throw failure;
      const answer = Promise.withResolvers<FromThread>();
      asked.push(answer);
      worker.postMessage(message);
      return answer.promise;
    },
    end: () => worker.terminate(),
  };
}
