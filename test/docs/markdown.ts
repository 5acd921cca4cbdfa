/**
 * Owns what the tests read out of markdown pages: links, anchors as GitHub makes them, fenced blocks. No parser of markdown: it
 * knows the forms that our pages use, and what it does not know is no link.
 */

/** A block of code between fences. */
export interface Block {
  /** What stands behind the opening fence; empty: nothing. */
  readonly language: string;
  readonly text: string;
}

const FENCED = /^( *)```([^\n`]*)\n([^]*?)^\1```$/gm;
const HEADING = /^(#{1,6}) +(.+?) *#*$/gm;
const INLINE_CODE = /`[^`\n]+`/g;
/** `[text](target)` and `![text](target)`, the target perhaps with a title. */
const LINK = /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g;
/** `[label]: target` on a line of its own. */
const DEFINITION = /^ {0,3}\[[^\]]+\]:\s*(\S+)/gm;

/** The blocks of code of a page, in their order. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(FENCED)].map(([, indent = '', language = '', text = '']) => ({
    language: language.trim(),
    text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}

/** What stands under a heading, given as its text, up to the next one of its level or above. @throws where there is none */
export function sectionOf(page: string, heading: string): string {
  const headings = [...page.replaceAll(FENCED, blank).matchAll(HEADING)];
  const at = headings.findIndex(([, , text]) => text === heading);
  if (at < 0) throw new Error(`no heading ${JSON.stringify(heading)}`);
  const end = headings.slice(at + 1).find(([, hashes]) => hashes!.length <= headings[at]![1]!.length);
  return page.slice(headings[at]!.index, end?.index);
}

/** As long as the text, without anything in it. */
function blank(text: string): string {
  return ' '.repeat(text.length);
}

/** What the links of a page lead to, as written. */
export function linksOf(page: string): string[] {
  const text = page.replaceAll(FENCED, '').replaceAll(INLINE_CODE, '``');
  return [LINK, DEFINITION].flatMap((form) => [...text.matchAll(form)].map((match) => match[1]!));
}

/** The anchors of a page's headings, as GitHub makes them: the second heading of a name ends in `-1`. */
export function anchorsOf(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, , heading = ''] of page.replaceAll(FENCED, '').matchAll(HEADING)) {
    const anchor = slug(heading);
    let free = anchor;
    for (let n = 1; anchors.has(free); n++) free = `${anchor}-${n}`;
    anchors.add(free);
  }
  return anchors;
}

/** Letters, digits, `-` and `_` stay; blanks become `-`; a link in a heading counts by its text. */
function slug(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}
