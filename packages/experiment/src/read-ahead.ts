/** Read ahead: one answer after the other, with several requests under way. */

/** What `read` answers for each item, in order; `ahead` of them are being read at a time. */
export async function* readAhead<Item, Answer>(
  items: Iterable<Item> | AsyncIterable<Item>,
  read: (item: Item) => Promise<Answer>,
  ahead: number,
): AsyncGenerator<Answer> {
  const underWay: Promise<Answer>[] = [];
  for await (const item of items) {
    const reading = read(item);
    // Told to whoever waits for it; until then, and if nobody comes to it, it is nobody's error.
    reading.catch(() => undefined);
    underWay.push(reading);
    if (underWay.length === ahead) yield await underWay.shift()!;
  }
  for (const reading of underWay) yield await reading;
}
