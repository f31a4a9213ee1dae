/** Report charts: small figures as inline SVG, coloured by the page's own variables so that they follow light and dark. */
import { html, type Html } from "./html.ts";
import { formatCount, formatNumber } from "./number-format.ts";
import type { NumberStatistics, Sensitivity } from "./summary-format.ts";

/** Coordinates to a tenth of a unit: finer is not seen, and doubles the size. */
const at = (value: number) => String(Math.round(value * 10) / 10);

/** A scale from [low, high] to [start, end]; all in the middle when the range has no width. */
function scale(low: number, high: number, start: number, end: number) {
  return (value: number) =>
    high === low ? (start + end) / 2 : start + ((value - low) / (high - low)) * (end - start);
}

/** Round numbers in [low, high], about `count` of them. */
export function ticks(low: number, high: number, count: number): number[] {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = rough / power;
  const step = (factor < 1.5 ? 1 : factor < 3.5 ? 2 : factor < 7.5 ? 5 : 10) * power;
  const first = Math.ceil(low / step);
  const found: number[] = [];
  // Divided last, so that a tick reads 0.3 and not 0.30000000000000004.
  for (let i = first; i * step <= high + step * 1e-9; i++)
    found.push(step < 1 ? i / Math.round(1 / step) : i * step);
  return found;
}

/** The distribution of a result, with its median and the range that holds 90 % of the simulations. */
export function histogramChart(result: NumberStatistics, unit: string): Html {
  const { edges, counts } = result.histogram;
  const [width, left, right, top, bottom] = [400, 34, 392, 26, 156];
  const [low = 0, high = 0] = [edges[0], edges.at(-1)];
  const most = Math.max(...counts);
  const x = scale(low, high, left + 4, right - 4);
  const y = scale(0, most, bottom, top);
  const grid = ticks(0, most, 3)
    .filter((tick) => tick > 0 && Number.isInteger(tick))
    .map((tick) => {
      const line = at(y(tick));
      return html`<path class="grid" d="M${left} ${line}H${right}" /><text
          class="end"
          x="${left - 5}"
          y="${line}"
          dy="3.5"
          >${formatCount(tick)}</text
        >`;
    });
  const axis = ticks(low, high, 5).map((tick) => {
    const place = at(x(tick));
    return html`<path class="axis" d="M${place} ${bottom}v4" /><text
        class="middle"
        x="${place}"
        y="${bottom + 17}"
        >${formatNumber(tick)}</text
      >`;
  });
  const bars = counts.map((count, i) => {
    const [from, to] =
      low === high ? [left + 170, left + 188] : [x(edges[i] ?? 0), x(edges[i + 1] ?? 0)];
    return `M${at(from + 0.5)} ${at(bottom)}V${at(y(count))}H${at(to - 0.5)}V${at(bottom)}Z`;
  });
  const middle = x(result.median);
  // Near a side the label would run out of the figure.
  const anchor = middle < 110 ? "start" : middle > 320 ? "end" : "middle";
  return html`<svg
    viewBox="0 0 ${width} 186"
    role="img"
    aria-label="Histogram of ${result.name}: median ${formatNumber(result.median)}, 90 % between ${formatNumber(result.p05)} and ${formatNumber(result.p95)}"
  >
    <rect
      class="band"
      x="${at(x(result.p05))}"
      y="${top}"
      width="${at(Math.max(1, x(result.p95) - x(result.p05)))}"
      height="${bottom - top}"
    />
    ${grid}
    <path class="bars" d="${bars.join("")}" />
    <path class="axis" d="M${left} ${bottom}H${right}" />
    <path class="median" d="M${at(middle)} ${top - 4}V${bottom}" />
    <text class="strong ${anchor}" x="${at(middle)}" y="${top - 10}">
      median ${formatNumber(result.median)}${unit && ` ${unit}`}
    </text>
    ${axis}
  </svg>`;
}

export interface MeanRange {
  readonly low: number;
  readonly high: number;
  readonly mean: number;
}

/** How the mean of a result moves over one parameter: a line for a number, points for choices. */
export function effectChart(bins: Sensitivity["bins"], range: MeanRange, isChoice: boolean): Html {
  const [width, height] = [150, 40];
  const x = scale(0, bins.length - 1, 5, width - 5);
  const y = scale(range.low, range.high, height - 5, 5);
  const points = bins.map(({ mean }, i) => `${at(x(i))} ${at(y(mean))}`);
  const drawn = isChoice
    ? bins.map(({ mean }, i) => html`<circle cx="${at(x(i))}" cy="${at(y(mean))}" r="3" />`)
    : html`<path class="line" d="M${points.join("L")}" />`;
  const told = bins.map(({ label, mean }) => `${label}: ${formatNumber(mean)}`).join("\n");
  return html`<svg class="effect" viewBox="0 0 ${width} ${height}" role="img">
    <title>${told}</title>
    <path class="mean" d="M0 ${at(y(range.mean))}H${width}" />
    ${drawn}
  </svg>`;
}
