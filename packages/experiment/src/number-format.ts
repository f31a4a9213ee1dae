/** Numbers as people read them: the one way that reports, tables and messages show them. */

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Four significant digits, all digits of whole thousands: 0.01235, 12.35, 12,346, 1.235e7. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 1e7 || size < 1e-3)
    return value
      .toExponential(3)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  return size >= 1000 ? grouped.format(value) : String(Number(value.toPrecision(4)));
}

/** A count, exactly: 1,000,000. */
export function formatCount(count: number): string {
  return grouped.format(count);
}

/** A share (0 to 1) in percent with one digit. What is something is never shown as nothing, nor a gap as none. */
export function formatShare(share: number): string {
  if (share > 0 && share < 0.001) return "< 0.1 %";
  if (share < 1 && share > 0.999) return "> 99.9 %";
  return `${(share * 100).toFixed(1)} %`;
}

/** 0.8 s, 45.2 s, 3 min 20 s, 1 h 12 min, 2 d 3 h. */
export function formatDuration(seconds: number): string {
  if (seconds < 59.95)
    return seconds < 1 ? `${formatNumber(seconds)} s` : `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return pair(whole, 60, "min", 1, "s");
  return whole < 172_800 ? pair(whole, 3600, "h", 60, "min") : pair(whole, 86_400, "d", 3600, "h");
}

function pair(seconds: number, large: number, name: string, small: number, rest: string): string {
  const units = Math.round(seconds / small) * small;
  const remainder = Math.round((units % large) / small);
  return `${Math.floor(units / large)} ${name}${remainder === 0 ? "" : ` ${remainder} ${rest}`}`;
}

export function formatUsd(usd: number): string {
  return `${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)} USD`;
}
