/**
 * Owns `fedns records --digest`: the digest of what is served, by which servers are compared. It is worked out of the listing, here and
 * now, so that it is to be had where no zone is transferred; where one is, `fedns_zone_digest` says the same.
 */
import type { RecordSet } from '../admin/control-plane.ts';
import { RecordDigest } from '../transfer/digest.ts';
import { toWire } from '../transfer/wire-record.ts';
import type { ListingSerials } from './listing.ts';
import { formatData } from './output.ts';

/** What is printed. */
interface DigestView {
  /** 64 hexadecimal digits. */
  readonly digest: string;
  readonly records: number;
  /** Of the state that was listed last. */
  readonly serial: number;
}

/** Takes records in as they are listed; the order does not matter. */
export class ListingDigest {
  readonly #digest = new RecordDigest();

  add(sets: readonly RecordSet[]): void {
    // The SOA is each server's own.
    for (const set of sets)
      if (set.type !== 'SOA') for (const record of toWire(set)) this.#digest.add(record);
  }

  /** @param output - `table` and `zone` are one line for scripts: digest, records, serial */
  format(output: 'table' | 'zone' | 'json' | 'ndjson' | 'yaml', { end: serial }: ListingSerials): string {
    const { text: digest, records } = this.#digest;
    const view: DigestView = { digest, records, serial };
    if (output === 'json' || output === 'yaml') return formatData(view, output);
    return output === 'ndjson' ? `${JSON.stringify(view)}\n` : `${digest} ${records} ${serial}\n`;
  }
}
