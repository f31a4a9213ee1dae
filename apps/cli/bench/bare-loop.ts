/** The ceiling: the same simulations in a bare loop, no engine, no ledger, no store; results stay in memory. */
import { createDesign, noFiles, randomStream, type ComputedSettings } from "@hatchery/experiment";
import { loadModels } from "@hatchery/models/load-models";

const [module, name, design, from, to] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];
const model = (await loadModels(module))[name]!;
const { parameters } = createDesign(
  model.parameterColumns,
  JSON.parse(design) as ComputedSettings,
  1,
);
const first = Number(from);
const columns = model.resultColumns.map(() => new Float64Array(Number(to) - first));
const context = {
  signal: new AbortController().signal,
  log: () => undefined,
  inputs: {},
  files: noFiles,
};
for (let i = first; i < Number(to); i++) {
  const results = await model.simulate(parameters(i), { ...context, random: randomStream(1, i) });
  model.resultColumns.forEach(
    (column, c) => (columns[c]![i - first] = Number(results[column.name])),
  );
}
