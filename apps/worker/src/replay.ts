/**
 * Replays one simulation in a slot, as a worker computes it: for one that may end, block or fill its process.
 * Started by the CLI with the store, the experiment and the simulation's number; answers with its row as `Rows`.
 */
import { localInputs, openStore, readManifest, type Rows } from "@hatchery/experiment";
import { slotWork } from "./chunk.ts";
import { openChunkFiles } from "./chunk-files.ts";
import { createSlot } from "./slot.ts";

const [address, experiment, simulation] = process.argv.slice(2) as [string, string, string];
const store = await openStore(address);
const manifest = await readManifest(store, experiment);
if (manifest === undefined) throw new Error(`The store has no experiment "${experiment}".`);
const work = slotWork(manifest, store, [[Number(simulation), 1]]);
const log = (line: string) => process.stderr.write(`${line}\n`);
const slot = createSlot();
let row: Rows | undefined;
try {
  await using inputs = await localInputs(store, manifest.inputs ?? {}, log);
  const { files: limit } = manifest.limits;
  // What it returns is compared by its hashes, and goes nowhere.
  await using files =
    limit === undefined
      ? undefined
      : await openChunkFiles(store, { experiment, round: 0, chunk: 0 }, limit);
  await slot.run(
    {
      ...work,
      // What ends its process once is asked no second time.
      limits: { ...work.limits, attempts: 1 },
      inputs: inputs.paths,
      ...(files && { files: files.forSlot }),
    },
    {
      rows(rows) {
        if (rows.count > 0) row = rows;
      },
      log,
    },
    new AbortController().signal,
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
slot.close();
if (row === undefined) process.disconnect();
else process.send!(row, () => process.disconnect());
