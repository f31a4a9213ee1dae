/** A quadratic surface through points, by least squares, with the error that it makes where it has not looked. */

export interface Point {
  /** Each coordinate from −1 to 1, where the normal equations are well conditioned. */
  readonly at: readonly number[];
  readonly value: number;
}

export interface Surface {
  /** Of 1, then of each coordinate, then of the products of each two (itself included), in order. */
  readonly coefficients: readonly number[];
  /** The largest error at any point, of the surface that is fitted to all the others: infinite for too few points. */
  readonly largestError: number;
}

export function fitQuadratic(points: readonly Point[]): Surface {
  const rows = points.map(({ at }) => terms(at));
  const size = rows[0]?.length ?? 0;
  if (points.length <= size) return { coefficients: [], largestError: Infinity };
  const indices = Array.from({ length: size }, (_, j) => j);
  const inverse = invert(
    indices.map((j) => indices.map((k) => sum(rows.map((row) => row[j]! * row[k]!)))),
  );
  const moments = indices.map((j) => sum(rows.map((row, i) => row[j]! * points[i]!.value)));
  const coefficients = inverse.map((row) => dot(row, moments));
  const errors = rows.map((row, i) => {
    // Leaving a point out changes its residual by a factor that its own leverage tells: no second fit is needed.
    const leverage = dot(
      row,
      inverse.map((each) => dot(each, row)),
    );
    return Math.abs(points[i]!.value - dot(row, coefficients)) / (1 - leverage);
  });
  return { coefficients, largestError: Math.max(...errors) };
}

/** What the surface says at a place. */
export function surfaceAt({ coefficients }: Surface, at: readonly number[]): number {
  return dot(coefficients, terms(at));
}

function terms(at: readonly number[]): number[] {
  return [1, ...at, ...at.flatMap((a, i) => at.slice(i).map((b) => a * b))];
}

/** Gauss–Jordan with pivots, of a matrix that has an inverse. */
function invert(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let column = 0; column < size; column++) {
    let best = column;
    for (let i = column; i < size; i++)
      if (Math.abs(rows[i]![column]!) > Math.abs(rows[best]![column]!)) best = i;
    [rows[column], rows[best]] = [rows[best]!, rows[column]!];
    const pivot = rows[column]!.map((value) => value / rows[column]![column]!);
    for (let i = 0; i < size; i++) {
      const factor = rows[i]![column]!;
      rows[i] = i === column ? pivot : rows[i]!.map((value, j) => value - factor * pivot[j]!);
    }
  }
  return rows.map((row) => row.slice(size));
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, i) => value * b[i]!));
