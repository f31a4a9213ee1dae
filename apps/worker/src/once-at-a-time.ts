/** No more chunks at a time than there are slots, and none twice at a time, whatever the engine sends. */
import type { ChunkInput } from "@hatchery/experiment";

type Outcome = Record<string, number>;

export interface ChunkHandler {
  /** `attempt` counts from 0; `cancelled` aborts when the engine takes the chunk back. */
  (input: ChunkInput, attempt: number, cancelled: AbortSignal): Promise<Outcome>;
}

/**
 * What comes beyond the slots waits: the engine gives ahead, and has all slots of a new registration free while chunks of
 * the old one are still under way here. A chunk that comes again joins the one that is being computed.
 */
export function onceAtATime(slots: number, onChunk: ChunkHandler): ChunkHandler {
  const underWay = new Map<string, { outcome: Promise<Outcome>; cancel: AbortController }>();
  const waiting: (() => void)[] = [];
  let free = slots;

  async function inSlot(work: () => Promise<Outcome>): Promise<Outcome> {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  }

  return (input, attempt, cancelled) => {
    const key = `${input.experiment}/${input.round}/${input.chunk}`;
    let chunk = underWay.get(key);
    if (chunk === undefined) {
      const cancel = new AbortController();
      const outcome = inSlot(() => onChunk(input, attempt, cancel.signal)).finally(() =>
        underWay.delete(key),
      );
      chunk = { outcome, cancel };
      underWay.set(key, chunk);
    }
    const { outcome, cancel } = chunk;
    cancelled.addEventListener("abort", () => cancel.abort(), { once: true });
    if (cancelled.aborted) cancel.abort();
    return outcome;
  };
}
