/**
 * Hashed file: bytes that are written to the disk and hashed on a thread of their own, while the next ones are made.
 * On the main thread both took a third of a merge's time.
 */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";

export interface HashedFile extends AsyncDisposable {
  /** Takes the first bytes of a buffer after those before, and the buffer with them; answers with another one to fill. */
  write(buffer: ArrayBufferLike, bytes: number): Promise<ArrayBufferLike>;
  /** Once all of it is on the disk: its SHA-256, hex. */
  finish(): Promise<string>;
}

/**
 * What the thread is told. It knows a buffer by its number from the first time on: both would count one that went to and
 * fro as new memory each time, and look for garbage.
 */
export type ToThread = Piece | "finish";
/** What it answers: the hash at the end, else that it is done with the piece. */
export type FromThread = string | undefined;

interface Piece {
  readonly number: number;
  readonly buffer?: SharedArrayBuffer;
  readonly bytes: number;
}

export function createHashedFile(path: string): HashedFile {
  // A file of a single piece is not worth a thread.
  let first: Uint8Array | undefined;
  let thread: Thread | undefined;
  const numbers = new Map<ArrayBufferLike, number>();
  const underWay: { readonly buffer: ArrayBufferLike; readonly done: Promise<FromThread> }[] = [];

  function post(bytes: Uint8Array): void {
    thread ??= startThread(path);
    let { buffer } = bytes;
    const known = numbers.get(buffer);
    if (known === undefined) {
      buffer = new SharedArrayBuffer(buffer.byteLength);
      new Uint8Array(buffer).set(bytes);
      numbers.set(buffer, numbers.size);
    }
    const number = numbers.get(buffer)!;
    const shared = known === undefined && { buffer: buffer as SharedArrayBuffer };
    const done = thread.ask({ number, ...shared, bytes: bytes.length });
    // Whoever awaits it hears of its failure.
    done.catch(() => undefined);
    underWay.push({ buffer, done });
  }

  return {
    async write(buffer, bytes) {
      const piece = new Uint8Array(buffer, 0, bytes);
      if (first === undefined && thread === undefined) {
        first = piece;
        return new ArrayBuffer(buffer.byteLength);
      }
      if (first !== undefined) post(first);
      first = undefined;
      post(piece);
      const oldest = underWay.shift()!;
      await oldest.done;
      return oldest.buffer;
    },
    async finish() {
      if (thread === undefined) {
        const piece = first ?? new Uint8Array();
        await writeFile(path, piece);
        return createHash("sha256").update(piece).digest("hex");
      }
      for (const { done } of underWay) await done;
      return (await thread.ask("finish"))!;
    },
    async [Symbol.asyncDispose]() {
      await thread?.end();
    },
  };
}

interface Thread {
  ask(message: ToThread): Promise<FromThread>;
  end(): Promise<unknown>;
}

function startThread(path: string): Thread {
  const worker = new Worker(new URL("./hashed-file-thread.ts", import.meta.url), {
    workerData: path,
  });
  const asked: PromiseWithResolvers<FromThread>[] = [];
  let failure: Error | undefined;
  worker.on("message", (answer: FromThread) => asked.shift()!.resolve(answer));
  worker.on("error", (error: Error) => {
    failure = error;
    for (const { reject } of asked) reject(error);
  });
  return {
    async ask(message) {
      if (failure !== undefined) throw failure;
      const answer = Promise.withResolvers<FromThread>();
      asked.push(answer);
      worker.postMessage(message);
      return answer.promise;
    },
    end: () => worker.terminate(),
  };
}
