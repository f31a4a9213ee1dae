/** What a command may touch of its process, so that a test can call it and look at what it wrote. */
export interface Io {
  /** Data: what a script reads. */
  out(text: string): void;
  /** Talk: what a person reads. */
  say(text: string): void;
  /** Rewrites the last line of talk; only called on a terminal. */
  redraw(line: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly color: boolean;
  readonly environment: NodeJS.ProcessEnv;
  /** Aborts when the person presses Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export function processIo(): Io {
  const interrupted = new AbortController();
  const { stderr, stdout } = process;
  let isRedrawing = false;
  const endLine = () => {
    if (isRedrawing) stderr.write("\n");
    isRedrawing = false;
  };
  process.once("SIGINT", () => interrupted.abort());
  // Whoever reads has enough, as `head` does.
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
  return {
    out: (text) => stdout.write(`${text}\n`),
    say(text) {
      endLine();
      stderr.write(`${text}\n`);
    },
    redraw(line) {
      stderr.write(`\r\u001b[2K${line}`);
      isRedrawing = true;
    },
    isTerminal: stderr.isTTY,
    columns: stderr.columns ?? 80,
    color: stderr.isTTY && stderr.hasColors(),
    environment: process.env,
    interrupted: interrupted.signal,
  };
}
