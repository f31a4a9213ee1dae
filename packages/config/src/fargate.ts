/**
 * The sizes that a Fargate task may have, as data.
 * Source: AWS, "Amazon ECS task CPU and memory" for Linux tasks; the same list as SST 4.17.1 has.
 */

export type Memory = `${number} GB`;

/** Memory by CPU, smallest first. The smallest is always 2 GB per vCPU. */
export const fargateSizes = {
  "0.25 vCPU": ["0.5 GB", "1 GB", "2 GB"],
  "0.5 vCPU": steps(1, 4, 1),
  "1 vCPU": steps(2, 8, 1),
  "2 vCPU": steps(4, 16, 1),
  "4 vCPU": steps(8, 30, 1),
  "8 vCPU": steps(16, 60, 4),
  "16 vCPU": steps(32, 120, 8),
} as const satisfies Record<`${number} vCPU`, readonly Memory[]>;

export type Cpu = keyof typeof fargateSizes;

export const cpuChoices = Object.keys(fargateSizes) as Cpu[];

export function memoryChoices(cpu: Cpu): readonly Memory[] {
  return fargateSizes[cpu];
}

/** What goes with a CPU, for messages: "32 GB to 120 GB in steps of 8 GB". */
export function memoryChoicesText(cpu: Cpu): string {
  const choices = memoryChoices(cpu);
  if (choices.length <= 3) return listed(choices);
  const [first = "0 GB", second = "0 GB"] = choices;
  return `${first} to ${choices.at(-1)} in steps of ${gigabytes(second) - gigabytes(first)} GB`;
}

export function isFargatePair(cpu: Cpu, memory: Memory): boolean {
  return memoryChoices(cpu).includes(memory);
}

/** "0.25 vCPU" → 0.25. ECS itself counts in units of 1/1024. */
export function vcpus(cpu: Cpu): number {
  return Number.parseFloat(cpu);
}

export function gigabytes(memory: Memory): number {
  return Number.parseFloat(memory);
}

/** One process per vCPU: a second simulation on the same core makes neither end sooner. */
export function slotsPerWorker(cpu: Cpu): number {
  return Math.max(1, Math.floor(vcpus(cpu)));
}

/** "a, b or c". */
export function listed(choices: readonly string[]): string {
  return [choices.slice(0, -1).join(", "), choices.at(-1)].filter(Boolean).join(" or ");
}

function steps(from: number, to: number, step: number): readonly Memory[] {
  const count = (to - from) / step + 1;
  return Array.from({ length: count }, (_, i): Memory => `${from + i * step} GB`);
}
