/**
 * Writes docs/openapi.json, the description of the admin server's paths: `npm run openapi`. With `--check` it writes nothing
 * and fails where the file is not as the routes are.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { openapiText } from './routes-openapi.ts';
import { ROUTES } from './routes.ts';

const FILE = new URL('../../docs/openapi.json', import.meta.url);

if (import.meta.main) {
  const text = openapiText(ROUTES);
  if (!process.argv.includes('--check')) writeFileSync(FILE, text);
  else if (readFileSync(FILE, 'utf8') !== text) {
    process.stderr.write('docs/openapi.json is not as the routes are: npm run openapi\n');
    process.exitCode = 1;
  }
}
