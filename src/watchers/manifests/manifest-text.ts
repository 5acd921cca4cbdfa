/**
 * From the octets of a manifest file to text, and what a file is that holds no manifests at all. Owns the telling apart
 * of formats, so that an operator reads "a table" and not "no mapping".
 */

/** Octets looked at to tell UTF-16 without a mark from text: manifests begin with ASCII. */
const SNIFF_OCTETS = 64;

export type DecodedText =
  { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

/** Decodes UTF-8 with or without a byte order mark. Where other octets stand, they cost only themselves. */
export function decodeManifest(octets: Buffer): DecodedText {
  if (isCompressed(octets)) return { ok: false, message: 'the file is compressed' };
  if (isWide(octets)) {
    const message =
      'the file is UTF-16, as > writes it in Windows PowerShell; fedns reads UTF-8 (| Out-File -Encoding utf8)';
    return { ok: false, message };
  }
  return { ok: true, text: octets.toString('utf8').replace(/^\uFEFF/, '') };
}

/** UTF-16 and UTF-32: a byte order mark, or the zeros that stand beside ASCII. */
function isWide(octets: Buffer): boolean {
  const [first, second] = octets;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) return true;
  return octets.subarray(0, SNIFF_OCTETS).includes(0);
}

function isCompressed(octets: Buffer): boolean {
  return octets[0] === 0x1f && octets[1] === 0x8b;
}

/** What is printed or saved in place of manifests, and how to tell. */
const FORMATS: readonly { readonly pattern: RegExp; readonly message: string }[] = [
  {
    pattern: /^\s*<(?:!doctype|!--|\?xml|[a-z][a-z0-9]*[\s>])/i,
    message: 'the file is HTML or XML, as a proxy or a login page answers',
  },
  {
    pattern: /^\s*(?:NAMESPACE|NAME)[ \t]{2,}[A-Z]/,
    message: 'the file is a table for people, as kubectl get prints without -o yaml',
  },
  {
    pattern: /^\s*(?:error|error from server\b[^:\n]*|unable to connect to the server):[ \t]/i,
    message: 'the file holds an error message in place of manifests',
  },
  { pattern: /^\s*No resources found/, message: 'the file says that kubectl found no resources' },
];

/** @returns what the text is, where it is plainly something else than manifests */
export function foreignFormat(text: string): string | undefined {
  const found = FORMATS.find(({ pattern }) => pattern.test(text));
  return found === undefined ? undefined : `${found.message}: ${excerpt(text)}`;
}

/** The first line of a text, quoted and short enough for a log. */
export function excerpt(text: string): string {
  const [line = ''] = text.trimStart().split('\n', 1);
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line.trimEnd());
}
