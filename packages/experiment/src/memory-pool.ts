/**
 * Memory pool: memory for what is read, used again when it is done with. A merge of 10⁷ rows in new memory for each part
 * spent a third of its time in the garbage collector, which knows of the memory and not that it is free.
 */
export interface MemoryPool {
  /** So many bytes, whatever was in them. */
  take(bytes: number): Buffer;
  /** Nobody looks at it any more. What was never taken from here is left alone: a store may have memory of its own. */
  give(memory: Buffer): void;
}

/** Parts of a round differ a little in size; memory for one serves the next. */
const rounding = 2 ** 18;

export function createMemoryPool(): MemoryPool {
  const own = new WeakSet<ArrayBufferLike>();
  const free: ArrayBuffer[] = [];

  function create(bytes: number): ArrayBuffer {
    const buffer = new ArrayBuffer(Math.ceil(bytes / rounding) * rounding);
    own.add(buffer);
    return buffer;
  }

  return {
    take(bytes) {
      const fitting = free.findIndex(({ byteLength }) => byteLength >= bytes);
      // What is too small would only gather.
      const [buffer] = free.splice(Math.max(0, fitting), 1);
      return Buffer.from(fitting === -1 ? create(bytes) : buffer!, 0, bytes);
    },
    give({ buffer }) {
      if (own.has(buffer)) free.push(buffer as ArrayBuffer);
    },
  };
}
