/**
 * What rows mean: for each the locations in the order in which a client there wants them, as numbers of the image. Apart from the
 * tables, and small: regions that fail or come change this or nothing.
 *
 * The memory is words: the number of rows, then for each row where its list begins, then the lists, each ended by 0.
 */

/** The number that ends a list. No location has it: it is the global level, to which every client comes in the end. */
export const ORDER_END = 0;

/** @param rows - for each row the numbers of its locations, none of them {@link ORDER_END} */
export function encodeOrders(rows: readonly (readonly number[])[]): SharedArrayBuffer {
  const lists = new Map<string, number>();
  const body: number[] = [];
  const starts = rows.map((row) => {
    const key = row.join();
    const known = lists.get(key);
    if (known !== undefined) return known;
    const start = 1 + rows.length + body.length;
    lists.set(key, start);
    body.push(...row, ORDER_END);
    return start;
  });
  const memory = new SharedArrayBuffer((1 + rows.length + body.length) * 4);
  new Uint32Array(memory).set([rows.length, ...starts, ...body]);
  return memory;
}
