/**
 * Replays one simulation in a slot, as a worker computes it: for one that may end, block or fill its process.
 * Started by the CLI with the store, the experiment and the simulation's number; answers with its row as `Rows`.
 */
import { createFolderStore, readManifest, type Rows } from "@hatchery/experiment";
import { slotWork } from "./chunk.ts";
import { createSlot } from "./slot.ts";

const [address, experiment, simulation] = process.argv.slice(2) as [string, string, string];
const store = createFolderStore(address);
const manifest = await readManifest(store, experiment);
if (manifest === undefined) throw new Error(`The store has no experiment "${experiment}".`);
const work = slotWork(manifest, store, [[Number(simulation), 1]]);
const slot = createSlot();
let row: Rows | undefined;
try {
  await slot.run(
    // What ends its process once is asked no second time.
    { ...work, limits: { ...work.limits, attempts: 1 } },
    {
      rows(rows) {
        if (rows.count > 0) row = rows;
      },
      log: (line) => process.stderr.write(`${line}\n`),
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
