/**
 * Owns how the page's files become what browsers are sent. There is no build beforehand: in the repository the modules' types are
 * removed as Node does it for the server, the npm package has them as JavaScript, and libraries are served from where npm put them.
 *
 * Everything lies under one folder named by the digest of it all, so that browsers may keep each file for good; the HTML alone
 * is asked for again. Bare imports are resolved by an import map, the only script within the HTML, which its policy names by hash.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { extname } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A file as it is sent. */
export interface PageFile {
  readonly mediaType: string;
  readonly octets: Uint8Array;
  readonly gzip: Uint8Array;
}

/** The page, complete. */
export interface BuiltPage {
  /** Of everything; the name of the folder. */
  readonly digest: string;
  readonly html: PageFile;
  /** Content-Security-Policy of the HTML. */
  readonly policy: string;
  /** By name within the folder. */
  readonly files: ReadonlyMap<string, PageFile>;
}

const FOLDER = new URL('./page/', import.meta.url);

/** What the page's modules import by name, and the file of each in its package, seen from the file that Node would take. */
const LIBRARIES: Readonly<Record<string, string>> = {
  preact: '',
  'preact/hooks': '',
  '@preact/signals-core': '',
  '@preact/signals': '',
  uplot: './uPlot.esm.js',
};
/** A style sheet of a library, by the name that it is served under. */
const STYLES: Readonly<Record<string, readonly [library: string, file: string]>> = {
  'lib/uplot.css': ['uplot', './uPlot.min.css'],
};

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.ts': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
};

/** Builds the page. Takes some tens of milliseconds, so it is done aside (page-files.ts). */
export function buildPage(): BuiltPage {
  const texts = new Map([...ownTexts(), ...libraryTexts()]);
  const digest = digestOf(texts);
  const imports = importMap(digest);
  const html = htmlOf(digest, imports, [...texts.keys()]);
  const files = new Map([...texts].map(([name, text]) => [name, toFile(name, text)]));
  return { digest, html: toFile('index.html', html), policy: policyOf(imports), files };
}

function* ownTexts(): Generator<readonly [name: string, text: string]> {
  for (const name of readdirSync(FOLDER).toSorted()) {
    if (name.endsWith('.d.ts') || MEDIA_TYPES[extname(name)] === undefined) continue;
    const text = readFileSync(new URL(name, FOLDER), 'utf8');
    yield [name, name.endsWith('.ts') ? stripTypeScriptTypes(text) : text];
  }
}

function* libraryTexts(): Generator<readonly [name: string, text: string]> {
  for (const name of Object.keys(LIBRARIES)) yield [libraryName(name), readLibrary(name, LIBRARIES[name]!)];
  for (const [name, [library, file]] of Object.entries(STYLES)) yield [name, readLibrary(library, file)];
}

function readLibrary(name: string, file: string): string {
  const text = readFileSync(new URL(file, import.meta.resolve(name)), 'utf8');
  // Nothing is served that these name, and browsers with their tools open would ask for it.
  return text.replaceAll(/^\/\/# sourceMappingURL=.*$/gm, '');
}

/** Where a library lies within the folder. */
function libraryName(name: string): string {
  return `lib/${name.replaceAll(/[@/]/g, '-').replace(/^-/, '')}.js`;
}

function digestOf(texts: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const [name, text] of texts) hash.update(`${name}\n${text.length}\n${text}`);
  return hash.digest('hex').slice(0, 16);
}

function importMap(digest: string): string {
  const rows = Object.keys(LIBRARIES).map((name) => [name, `./page/${digest}/${libraryName(name)}`] as const);
  return JSON.stringify({ imports: Object.fromEntries(rows) });
}

/** Addresses are relative, so that the page works behind `kubectl proxy` too. */
function htmlOf(digest: string, imports: string, names: readonly string[]): string {
  const main = names.find((name) => /^main\.[jt]s$/.test(name))!;
  const preloads = names.filter((name) => isScript(name) && name !== main);
  const at = (name: string): string => `page/${digest}/${name}`;
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    '<meta name="color-scheme" content="light dark">',
    '<title>fedns</title>',
    `<link rel="icon" href="${at('icon.svg')}" type="image/svg+xml">`,
    ...names
      .filter((name) => name.endsWith('.css'))
      .map((name) => `<link rel="stylesheet" href="${at(name)}">`),
    `<script type="importmap">${imports}</script>`,
    ...preloads.map((name) => `<link rel="modulepreload" href="${at(name)}">`),
    `<script type="module" src="${at(main)}"></script>`,
    '<body>',
    '<div id="app"><p class="boot" role="status">fedns is being asked…</p></div>',
    '<noscript><p class="boot">This page needs JavaScript. The same is told by <code>fedns status</code>, ',
    '<code>fedns clusters</code> and <code>fedns explain</code>.</p></noscript>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

function isScript(name: string): boolean {
  return MEDIA_TYPES[extname(name)]!.startsWith('text/javascript');
}

function policyOf(imports: string): string {
  const hash = createHash('sha256').update(imports).digest('base64');
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

function toFile(name: string, text: string): PageFile {
  const octets = Buffer.from(text);
  return { mediaType: MEDIA_TYPES[extname(name)]!, octets, gzip: gzipSync(octets, { level: 9 }) };
}
