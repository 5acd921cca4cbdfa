/** Owns how settings become what is told of queries: which of them the workers leave for it, and what the thread writes of those. */

import { hostname } from 'node:os';
import type { DnstapSettings, Settings } from '../config/settings.ts';
import { stderrForm } from '../logging/pino-log.ts';
import type { WritingOrder } from '../querylog/writer/thread-protocol.ts';
import type { RecordShares } from '../server/query-ring.ts';
import { encodeNameLower } from '../zonebuilder/names.ts';

/** Undefined: no query is written down, and nothing is spent on any. */
export function sharesOf({ log, dnstap }: Settings): RecordShares | undefined {
  const shares = { log: log.queries, dnstap: dnstap?.sample ?? 0 };
  return shares.log > 0 || shares.dnstap > 0 ? shares : undefined;
}

/** @param version - of fedns */
export function writingOrder(settings: Settings, version: string): WritingOrder | undefined {
  const { log, dnstap, domain } = settings;
  if (sharesOf(settings) === undefined) return undefined;
  return {
    domain: encodeNameLower(domain),
    ...(log.queries > 0 && { form: stderrForm(log.format) }),
    ...(dnstap && dnstap.sample > 0 && { dnstap: withIdentity(dnstap, version) }),
  };
}

function withIdentity(dnstap: DnstapSettings, version: string): DnstapSettings {
  return {
    ...dnstap,
    identity: dnstap.identity ?? hostname(),
    version: dnstap.version ?? `fedns ${version}`,
  };
}
