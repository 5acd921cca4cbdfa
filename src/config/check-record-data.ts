/** What is doubtful about a single record's data though it can be served: most likely not what was meant. */
import { oddDigest } from '../zonebuilder/fingerprints.ts';
import type { Path, Report } from './fault.ts';

const TXT = 16;

/** Warns of data that no client will understand as it was meant. */
export function checkRecordData(
  record: { readonly type: number; readonly rdata: Buffer; readonly dataText: string },
  path: Path,
  report: Report,
): void {
  const at = [...path, 'data'];
  if (record.type === TXT) checkText(record.dataText, at, report);
  const odd = oddDigest(record.type, record.rdata);
  if (odd !== undefined) report('ODD_DIGEST', at, odd);
}

/**
 * Each word is a string of its own (RFC 1035 section 5.1), and whoever reads SPF, DKIM or DMARC joins them without the blanks
 * (RFC 7208 section 3.3): `v=spf1 -all` is read as `v=spf1-all`.
 */
function checkText(dataText: string, at: Path, report: Report): void {
  const strings = dataText.trim().match(/"(?:\\.|[^"\\])*"|(?:\\.|\S)+/gs) ?? [];
  if (strings[0] === '\\#' || strings.length < 2 || !strings.some(isPlain)) return;
  const joined = strings.map((text) => (isPlain(text) ? text : text.slice(1, -1))).join(' ');
  report(
    'TXT_UNQUOTED',
    at,
    `blanks outside of quotes part the text into ${strings.length} strings, which most readers join without them`,
    `one string is '"${joined}"'`,
  );
}

function isPlain(text: string): boolean {
  return !text.startsWith('"');
}
