/**
 * Parameter bins: the values of a varied parameter in a few groups, whose means tell how it acts.
 * Each value is a bin of its own where there are few, else bins hold about equally many simulations.
 */
import type { Column } from "./columns.ts";
import { isChosen } from "./digest.ts";
import type { Values } from "./rows.ts";
import type { Texts } from "./texts.ts";

/** What a curve of means needs; more bins only add noise. */
const mostNumberBins = 20;
/** A text with more values is a name or a note, not a choice. */
const mostTextBins = 50;
/** Means of fewer simulations are mostly noise. */
const leastPerBin = 5;
/** Enough to cut a parameter into twenty bins of 5 % ± 0.3 %. */
const edgeRows = 5_000;

export interface ParameterBins {
  readonly parameter: string;
  readonly labels: readonly string[];
  /** By row: the number of its bin. */
  readonly binOf: Uint8Array;
}

/** Bins for one parameter; undefined when its values show no variation, or are texts that are no choice. */
export function parameterBins(column: Column, values: Values): ParameterBins | undefined {
  if ("places" in values) return textBins(column, values);
  if (column.kind === "boolean") {
    const binOf = Uint8Array.from(values);
    return new Set(binOf).size < 2
      ? undefined
      : { parameter: column.name, labels: ["false", "true"], binOf };
  }
  const sample = sampleOf(values);
  const found = new Set(sample);
  if (found.size < 2) return undefined;
  const most = Math.min(mostNumberBins, Math.max(2, Math.floor(values.length / leastPerBin)));
  if (found.size <= most) {
    const levels = [...found];
    return {
      parameter: column.name,
      labels: shortest(levels),
      binOf: placesAmong(levels.slice(0, -1), values),
    };
  }
  const quantiles = Array.from(
    { length: most - 1 },
    (_, i) => sample[Math.floor(((i + 1) * sample.length) / most)]!,
  );
  // The largest value as an edge would leave nothing above it.
  const edges = [...new Set(quantiles)].filter((edge) => edge < sample.at(-1)!);
  const names = shortest(edges);
  return {
    parameter: column.name,
    labels: [
      `≤ ${names[0]}`,
      ...names.slice(1).map((upper, i) => `${names[i]} to ${upper}`),
      `> ${names.at(-1)}`,
    ],
    binOf: placesAmong(edges, values),
  };
}

function textBins(column: Column, { places, texts }: Texts): ParameterBins | undefined {
  const choices = column.choices?.map(String) ?? texts.toSorted();
  if (texts.length < 2 || choices.length > mostTextBins) return undefined;
  const binOfText = texts.map((text) => choices.indexOf(text));
  return {
    parameter: column.name,
    labels: choices,
    binOf: Uint8Array.from(places, (place) => binOfText[place]!),
  };
}

/** About `edgeRows` of the values, in ascending order. */
function sampleOf(values: Float64Array): Float64Array {
  const every = Math.floor(values.length / edgeRows);
  if (every < 2) return values.toSorted();
  return values.filter((_, row) => isChosen(row, every)).toSorted();
}

/** How many of the edges are below each value. Not by `partitionPoint`: its call at each comparison takes a sixth more. */
function placesAmong(edges: readonly number[], values: Float64Array): Uint8Array {
  const places = new Uint8Array(values.length);
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (value <= edges[middle]!) high = middle;
      else low = middle + 1;
    }
    places[row] = low;
  }
  return places;
}

/** Numbers in as few digits, three at least, as tell them all apart. */
function shortest(values: readonly number[]): string[] {
  for (let digits = 3; ; digits++) {
    const labels = values.map((value) => String(Number(value.toPrecision(digits))));
    if (digits === 17 || new Set(labels).size === values.length) return labels;
  }
}
