/** Owns how a component asks the server for something: what there is by now, what went wrong, and how to ask again. */

import { useCallback, useEffect, useState } from 'preact/hooks';
import { ask, messageOf } from './api.ts';

/** An answer, or none yet, or why there is none. While it is asked again the old one stays. */
export interface Asked<Reply> {
  readonly reply?: Reply;
  readonly fault?: string;
  readonly again: () => void;
}

/** @param query - another text is another question */
export function useAsk<Reply>(path: string, query: Readonly<Record<string, string>>): Asked<Reply> {
  const question = new URLSearchParams(query).toString();
  const [answer, setAnswer] = useState<{ reply?: Reply; fault?: string }>({});
  const [turn, setTurn] = useState(0);
  const again = useCallback(() => setTurn((last) => last + 1), []);
  useEffect(() => {
    const abort = new AbortController();
    ask<Reply>(path, { query, signal: abort.signal }).then(
      (reply) => setAnswer({ reply }),
      (error: unknown) => {
        if (!abort.signal.aborted) setAnswer((last) => ({ ...last, fault: messageOf(error) }));
      },
    );
    return () => abort.abort();
  }, [path, question, turn]);
  return { ...answer, again };
}
