export interface RandomStream {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform whole number from minimum to maximum, both included. */
  integer(minimum: number, maximum: number): number;
  normal(mean?: number, standardDeviation?: number): number;
  exponential(rate?: number): number;
}
