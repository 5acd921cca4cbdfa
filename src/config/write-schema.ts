/** Writes config/schema.json, the JSON Schema for editors: `npm run schema`. */
import { writeFileSync } from 'node:fs';
import { configJsonSchema } from './schema.ts';

/** The text of config/schema.json. */
export function schemaText(): string {
  return JSON.stringify(configJsonSchema(), null, 2) + '\n';
}

if (import.meta.main) writeFileSync(new URL('../../config/schema.json', import.meta.url), schemaText());
