/** How far workers are that read while a test writes, so that the writer waits for them and not for a time. */

/** The writer begins once all read, and goes on until all have seen enough. */
export const Progress = { starting: 0, reading: 1, sawEnough: 2 } as const;
export type Progress = (typeof Progress)[keyof typeof Progress];

/** @param progress - a word for each reader, shared with them */
export function areAll(progress: Int32Array, reached: Progress): boolean {
  return progress.every((each) => each >= reached);
}
