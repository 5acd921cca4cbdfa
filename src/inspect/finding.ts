/** What `fedns check` finds beyond the configuration file itself, in what that file names. */

export interface InspectOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** One thing that is wrong (`fault`) or doubtful (`warning`), in one line with file, place and, where known, the fix. */
export interface Finding {
  readonly severity: 'fault' | 'warning';
  readonly text: string;
}

export function fault(text: string): Finding {
  return { severity: 'fault', text };
}

export function warning(text: string): Finding {
  return { severity: 'warning', text };
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
