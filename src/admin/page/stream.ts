/**
 * Owns the page's stream of events: opens it, opens it anew, and says how it is. A page that nobody looks at lets go of its
 * stream, for a browser has six connections to one server and fedns has room for so many pages.
 */

/** How the stream is. `stale`: what is shown is as it was last; `away`: the page is hidden. */
export type LinkState = 'connecting' | 'live' | 'stale' | 'away';

export interface StreamHandlers {
  /** By the name of the event. */
  readonly events: Readonly<Record<string, (value: unknown) => void>>;
  readonly onState: (state: LinkState) => void;
}

/** The server ticks every second; without a word for so long something is wrong. */
const SILENCE_MS_MAX = 5000;
/** Between two attempts of our own, in milliseconds; the browser makes others itself. */
const RETRY_MS = 3000;

/** Follows the server for as long as the page is there. */
export function follow({ events, onState }: StreamHandlers): void {
  let source: EventSource | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;

  const heard = (): void => {
    onState('live');
    clearTimeout(silence);
    silence = setTimeout(lose, SILENCE_MS_MAX);
  };
  const close = (): void => {
    clearTimeout(silence);
    clearTimeout(retry);
    source?.close();
    source = undefined;
  };
  const open = (): void => {
    close();
    source = new EventSource('api/v1/events');
    for (const [name, handle] of Object.entries(events)) {
      source.addEventListener(name, ({ data }: MessageEvent<string>) => {
        heard();
        handle(JSON.parse(data));
      });
    }
    source.addEventListener('error', lose);
    silence = setTimeout(lose, SILENCE_MS_MAX);
  };
  // A refusal ends an EventSource for good, and one that hangs does not know.
  function lose(): void {
    onState('stale');
    close();
    retry = setTimeout(open, RETRY_MS);
  }
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      onState('away');
      close();
    } else open();
  });
  addEventListener('pagehide', close);
  open();
}
