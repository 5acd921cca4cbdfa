/**
 * What a text began with, line by line, in four octets each: whether another text is only its beginning can be told without
 * keeping it. A chance of one in four thousand million that it seems so costs a wait, and nothing else.
 */

const LINE_BREAK = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** FNV-1a. */
const BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** For every line, a hash of the text from its beginning to the end of that line. Line breaks at the end make no line. */
export function markLines(text: string): Uint32Array {
  let end = text.length;
  while (text[end - 1] === '\n' || text[end - 1] === '\r') end--;
  const marks: number[] = [];
  let hash = BASIS;
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === LINE_BREAK) marks.push(hash >>> 0);
    if (code !== CARRIAGE_RETURN) hash = Math.imul(hash ^ code, PRIME);
  }
  marks.push(hash >>> 0);
  return Uint32Array.from(marks);
}

/** Whether a text is the beginning of another, cut at the end of a line. */
export function isBeginning(marks: Uint32Array, whole: Uint32Array): boolean {
  return marks.length < whole.length && marks.at(-1) === whole[marks.length - 1];
}
