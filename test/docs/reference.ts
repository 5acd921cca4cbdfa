/**
 * Owns the configuration reference of docs/configuration.md: a table made from config/schema.json, so that it names every key.
 * `node test/docs/reference.ts` writes it; a test holds the two together.
 */

import { readFileSync, writeFileSync } from 'node:fs';

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly required?: readonly string[];
}

const PAGE = new URL('../../docs/configuration.md', import.meta.url);
const SCHEMA = new URL('../../config/schema.json', import.meta.url);
const BEGIN = '<!-- configuration reference: begin -->';
const END = '<!-- configuration reference: end -->';

/** docs/configuration.md with the reference as it should be. */
export function withReference(page: string): string {
  const schema = JSON.parse(readFileSync(SCHEMA, 'utf8')) as SchemaNode;
  const rows = [...describe(schema, '')].map(({ key, text }) => `| ${key} | ${text} |`);
  const table = ['| key | meaning |', '| --- | --- |', ...rows].join('\n');
  const [before, rest] = page.split(BEGIN);
  const after = rest!.split(END)[1];
  return `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
}

/** docs/configuration.md as it is. */
export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

function* describe(node: SchemaNode, path: string): Generator<{ key: string; text: string }> {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    const key = path === '' ? name : `${path}.${name}`;
    const needed = node.required?.includes(name) === true ? ' Required.' : '';
    yield { key: `\`${key}\``, text: escape(`${child.description ?? ''}${needed}`) };
    yield* describe(child, key);
    if (child.items !== undefined) yield* describe(child.items, `${key}[]`);
  }
}

/** Pipes end a cell, also in code; a backslash is an escape outside of it. */
function escape(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('|', String.raw`\|`)
    .replaceAll('*', String.raw`\*`);
}

if (import.meta.main) writeFileSync(PAGE, withReference(readPage()));
