/**
 * Texts: a column of texts as their places among the different ones. Most repeat, as choices do: a text is then one number
 * in a message, a copy or a file, and not an object of its own for each simulation.
 */

export interface Texts {
  /** Of each row's text in `texts`; −1 where there is none. */
  readonly places: Int32Array;
  /** The different ones, in the order of their first row. */
  readonly texts: readonly string[];
}

const none = -1;

export function textAt({ places, texts }: Texts, row: number): string | null {
  return texts[places[row]!] ?? null;
}

export function textsOf(cells: ArrayLike<string | null>): Texts {
  const buffer = createTextBuffer(cells.length);
  for (let row = 0; row < cells.length; row++) buffer.push(cells[row]!);
  return buffer.look();
}

export function cellsOf(column: Texts): (string | null)[] {
  return Array.from(column.places, (place) => column.texts[place] ?? null);
}

/** Grows as texts come. What `look` gives stands until the next `clear`. */
export interface TextBuffer {
  push(text: string | null): void;
  append(source: Texts, from: number, to: number): void;
  look(): Texts;
  clear(): void;
}

export function createTextBuffer(initialCapacity: number): TextBuffer {
  let places = new Int32Array(initialCapacity);
  let count = 0;
  let texts: string[] = [];
  let placeOf = new Map<string, number>();
  /** By the texts of a column that is appended from: their places here, as far as they have been met. */
  let translations = new WeakMap<readonly string[], Int32Array>();

  function reserve(more: number): void {
    if (count + more <= places.length) return;
    const larger = new Int32Array(Math.max(2 * places.length, count + more));
    larger.set(places);
    places = larger;
  }

  function settle(text: string): number {
    const known = placeOf.get(text);
    if (known !== undefined) return known;
    placeOf.set(text, texts.length);
    return texts.push(text) - 1;
  }

  function translationOf(from: readonly string[]): Int32Array {
    const known = translations.get(from);
    if (known !== undefined) return known;
    const translation = new Int32Array(from.length).fill(none);
    translations.set(from, translation);
    return translation;
  }

  return {
    push(text) {
      reserve(1);
      places[count++] = text === null ? none : settle(text);
    },
    append(source, from, to) {
      reserve(to - from);
      const translation = translationOf(source.texts);
      for (let row = from; row < to; row++) {
        const there = source.places[row]!;
        let here = there === none ? none : translation[there]!;
        if (here === none && there !== none)
          here = translation[there] = settle(source.texts[there]!);
        places[count++] = here;
      }
    },
    look: () => ({ places: places.subarray(0, count), texts }),
    clear() {
      count = 0;
      texts = [];
      placeOf = new Map();
      translations = new WeakMap();
    },
  };
}
