/** A federation whose changes are captured, and the entries that they amount to, without files and threads. */
import { Capture, type DomainRecorder } from '../../src/journal/capture.ts';
import type { JournalEntry } from '../../src/journal/entry.ts';
import { Scribe } from '../../src/journal/scribe.ts';
import type { DrainRule } from '../../src/zonebuilder/drains.ts';
import { CAUSE, type Federation, type FederationOptions, makeFederation } from '../support/federation.ts';
import { mutate, PLACES, randomShard, type Random } from '../support/random.ts';

export const DOMAIN = 'example.com';

export interface JournaledWorld {
  readonly federation: Federation;
  readonly capture: Capture;
  readonly recorder: DomainRecorder;
  /** All entries until now. */
  entries(): readonly JournalEntry[];
}

/** @param clock - milliseconds since the epoch */
export function journaled(options: FederationOptions = {}, clock: () => number = () => 7): JournaledWorld {
  const capture = new Capture({ clock, onWaiting: () => {} });
  const recorder = capture.open({
    domain: DOMAIN,
    isAbsentWithout: options.whenNoneHealthy === 'nxdomain',
  });
  const federation = makeFederation({ ...options, recorder });
  return { federation, capture, recorder, entries: entriesOf(capture) };
}

/** Reads what was captured as the other thread does. */
export function entriesOf(capture: Capture): () => readonly JournalEntry[] {
  const scribe = new Scribe(0);
  const entries: JournalEntry[] = [];
  return () => {
    const batch = capture.take();
    if (batch === undefined) return entries;
    const moved = structuredClone(batch, { transfer: batch.chunks.map(({ memory }) => memory) });
    for (const entry of scribe.entriesOf(moved)) entries.push(entry);
    capture.written(Capture.octetsOf(moved));
    return entries;
  };
}

/** Changes one thing of any kind. */
export function changeOne(random: Random, federation: Federation): void {
  const known = new Set(federation.builder.clusters().map(({ name }) => name));
  const missing = PLACES.filter(({ name }) => !known.has(name));
  if (missing.length > 0) {
    const { name, region, zones } = random.pick(missing);
    return federation.cluster(name, region, zones);
  }
  switch (random.below(10)) {
    case 0:
      return upheaval(random, federation);
    case 1:
      return drain(random, federation);
    default:
      return mutate(random, federation);
  }
}

/** Other things are drained than before, or nothing. */
function drain(random: Random, { builder }: Federation): void {
  const rules: readonly DrainRule[] = [
    { kind: 'cluster', name: 'c1', percent: 0 },
    { kind: 'region', name: 'eu', percent: 0 },
    { kind: 'zone', name: 'us2.us', percent: 0 },
    { kind: 'service', name: 'web.shop.f', percent: 0 },
    { kind: 'service', name: 'db.shop.f', cluster: 'c0', percent: 0 },
  ];
  builder.setDrains(
    rules.filter(() => random.oneIn(3)),
    CAUSE,
  );
}

/** A cluster moves, leaves, or brings many things at once. */
function upheaval(random: Random, { builder, cluster }: Federation): void {
  const place = random.pick(PLACES);
  if (random.oneIn(4)) builder.removeCluster(place.name);
  else if (random.oneIn(2)) {
    const region = random.pick(['us', 'eu', 'mars', 'nova']);
    cluster(
      place.name,
      region,
      ['us1', 'eu1', 'nova', 'm1'].filter(() => random.oneIn(2)),
    );
  } else {
    builder.batch(CAUSE, () => {
      if (random.oneIn(2)) cluster(place.name, place.region, place.zones);
      for (let i = 0; i < 6; i++) builder.upsertShard(randomShard(random));
    });
  }
}

/** Locations that a random federation may have, and some that it has not. */
export const LOCATIONS =
  ' us eu asia mars nova us1 us1.us us2.us us3 eu1 eu1.eu nova.eu nova.asia asia1 asia2.asia m1 m1.mars nova.nova nowhere us1.eu eu1.us'.split(
    ' ',
  );

/** As the server answers: RCODE, the locations that the reply leads to, and addresses with their TTL. */
export function served({ ask }: Federation, service: string, location: string, type: 'A' | 'AAAA'): string {
  const base = `${service}.svc`;
  const name = `${base}${location === '' ? '' : `.${location}`}.${DOMAIN}`;
  const { rcode, answer } = ask(name, type, { payloadMax: 1232 });
  const chain = answer.filter((record) => record.type === 'CNAME').map(({ data }) => targetOf(data, base));
  const addresses = answer.filter((record) => record.type === type);
  const sorted = addresses.map(({ data, ttl }) => `${data}/${ttl}`).toSorted();
  return [rcode, ...chain, ...sorted].join(' ');
}

function targetOf(data: string, base: string): string {
  const name = data.replace(/\.$/, '');
  return `>${name.slice(base.length + 1, -DOMAIN.length - 1)}`;
}
