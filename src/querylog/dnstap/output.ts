/** What the two ways out for dnstap frames have in common: a connection (socket-output.ts) and a file (file-output.ts). */

/** Where frames go. Nothing here throws, and nobody waits for it but at the end. */
export interface FrameOutput {
  start(): void;
  /**
   * Takes whole frames. The octets stay the caller's until it returns.
   *
   * @param frames - how many
   */
  write(octets: Buffer, frames: number): void;
  /** The configuration was loaded again, maybe for something outside has changed. */
  look(): void;
  /** Hands over what waits, as far as that is possible soon, and ends the stream. */
  stop(): Promise<void>;
}

/** What an output tells of itself. */
export interface OutputObserver {
  /** Written by the output only; see ../tally.ts. */
  readonly tally: Float64Array;
  readonly say: (level: 'info' | 'warn', fields: object, message: string) => void;
}
