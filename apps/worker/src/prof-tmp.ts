import {
  attemptSimulation,
  createDesign,
  createRowBuffer,
  randomStream,
} from "@hatchery/experiment";
import { loadModels } from "@hatchery/models/load-models";
import { startWatchdog } from "./watchdog.ts";
const model = (await loadModels(undefined))["building-energy"]!;
const design = createDesign(
  model.parameterColumns,
  { kind: "latin-hypercube", simulations: 1_000_000 } as never,
  1,
);
const watchdog = process.argv.includes("--wd")
  ? startWatchdog()
  : { started() {}, ended() {}, limit() {} };
const context0 = { signal: new AbortController().signal, log: () => undefined };
const cols = model.resultColumns.map(() => new Float64Array(1_000_000));
const variants: Record<string, (i: number) => void> = {
  bare(i) {
    const r = model.simulate(design.parameters(i), {
      ...context0,
      random: randomStream(1, i),
    } as never) as Record<string, number>;
    model.resultColumns.forEach((c, k) => (cols[k]![i] = Number(r[c.name])));
  },
  checked(i) {
    const t = attemptSimulation(model, design.parameters(i), {
      ...context0,
      random: randomStream(1, i),
    } as never) as any;
    model.resultColumns.forEach((c, k) => (cols[k]![i] = Number(t.results[c.name])));
  },
  full(i) {
    const p = design.parameters(i);
    watchdog.started(i);
    const f = performance.now();
    const t = attemptSimulation(model, p, {
      ...context0,
      random: randomStream(1, i),
    } as never) as any;
    const s = (performance.now() - f) / 1000;
    watchdog.ended();
    rows.push(i, 1, s, [p, t.results]);
    performance.now();
    if (rows.count > 1500) rows.take();
  },
};
const rows = createRowBuffer(model.parameterColumns, model.resultColumns);
const names = process.argv.slice(2).filter((a) => !a.startsWith("--"));
const best: Record<string, number[]> = {};
let at = 0;
for (let rep = 0; rep < 14; rep++)
  for (const n of names) {
    const from = process.cpuUsage();
    const N = 3000;
    for (let i = at; i < at + N; i++) variants[n]!(i);
    at = (at + N) % 990_000;
    const u = process.cpuUsage(from);
    (best[n] ??= []).push((u.user + u.system) / N);
  }
for (const n of names) {
  const b = best[n]!.slice(4).sort((a, c) => a - c);
  console.log(n, "min", b[0]!.toFixed(1), "median", b[5]!.toFixed(1), "µs");
}
process.exit(0);
