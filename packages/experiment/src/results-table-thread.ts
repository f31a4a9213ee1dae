/** The thread behind a results table: encodes, hashes and writes each row group. */
import { parentPort, workerData } from "node:worker_threads";
import { createParquetFile } from "./parquet-file.ts";
import type { FromThread, SharedNumbers, ThreadData, ToThread } from "./results-table.ts";
import { writeRowGroup } from "./row-group.ts";

const { path, schema } = workerData as ThreadData;
const file = createParquetFile(path, schema);
/** By the number of the buffer. */
const memory: (readonly (SharedNumbers | undefined)[])[] = [];

async function answerTo(message: ToThread): Promise<FromThread> {
  if (message === "finish") return file.finish();
  const { rows, buffer, texts } = message;
  const numbers = (memory[buffer] ??= message.numbers!);
  let t = 0;
  const columns = numbers.map((column) => column?.subarray(0, rows) ?? texts[t++]!);
  await writeRowGroup(file.parquet, columns, { statistics: true });
}

parentPort!.on("message", (message: ToThread) => {
  // What it throws ends the thread, and whoever waits for it is told.
  void answerTo(message).then((answer) => parentPort!.postMessage(answer));
});
