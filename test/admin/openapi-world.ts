/** A fedns process on the guide's clusters, and the description of its API made strict, for the test that holds one against the other. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { Test } from 'tap';
import { freePort, manifest, serve } from '../process/serving.ts';
import { scratch } from '../support/scratch.ts';

const CONFIG = fileURLToPath(new URL('../../config/', import.meta.url));

/** A process and how it is asked. */
export interface World {
  readonly base: string;
  readonly port: number;
  readonly token: string;
}

/** Two clusters that are well, one of which a drill takes out and a plan after it. */
const STEERED = `  - { name: spare-1, region: spare, zones: [spare-a], manifests: ./spare-1.yaml }
  - { name: spare-2, region: spare, zones: [spare-b], manifests: ./spare-2.yaml }
`;
const STEERING = `drills:
  - { name: example, cron: 0 10 * * 2, timeZone: Europe/Berlin, what: cluster spare-1, for: 30m, blocked: [2099-12-24] }
plans:
  - name: example
    steps:
      - { drain: zone spare-a, for: 2h }
      - { undrain: zone spare-a }
`;

/** A Service of its own. */
function spare(address: string): string {
  return manifest(address).replaceAll('nginx', 'steady');
}

/** Starts `fedns serve` with the demonstration's configuration on ports and a state folder of its own. */
export async function startWorld(test: Test): Promise<World> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const demo = readFileSync(join(CONFIG, 'demo.yaml'), 'utf8');
  const text = demo
    .replace('127.0.0.1:1053', `127.0.0.1:${port}`)
    .replace('127.0.0.1:9153', `127.0.0.1:${adminPort}`)
    .replace('../state', './state')
    .replaceAll('manifests: demo/', `manifests: ${CONFIG}demo/`)
    .replace('clusters:\n', `clusters:\n${STEERED}`);
  const folder = scratch(test, {
    'fedns.yaml': `${text}${STEERING}`,
    'spare-1.yaml': spare('192.0.2.101'),
    'spare-2.yaml': spare('192.0.2.102'),
  });
  await serve(test, join(folder, 'fedns.yaml'));
  const token = readFileSync(join(folder, 'state', 'admin.token'), 'utf8').trim();
  return { base: `http://127.0.0.1:${adminPort}`, port: adminPort, token };
}

type Json = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly path: string;
  readonly method: string;
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly example?: string | readonly string[];
  }[];
  readonly requestBody?: {
    readonly content: Json & { readonly 'application/json': { readonly example?: unknown } };
  };
  readonly responses: Readonly<Record<string, Reply | { readonly $ref: string }>>;
  readonly security: readonly Json[];
}

export interface Reply {
  readonly description: string;
  readonly content: Readonly<Record<string, { readonly schema: Json }>>;
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'path' | 'method'>>>>>;
  readonly components: { readonly schemas: Json; readonly responses: Readonly<Record<string, Reply>> };
}

export function operationsOf({ paths }: Document): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, row]) => ({ ...row, path, method: method.toUpperCase() })),
  );
}

/** The reply of an operation with a status; undefined where none is described. */
export function replyOf({ components }: Document, operation: Operation, status: number): Reply | undefined {
  const reply = operation.responses[status];
  if (reply === undefined || !('$ref' in reply)) return reply;
  return components.responses[reply.$ref.replace('#/components/responses/', '')];
}

const ROOT = 'https://fedns.invalid/';

/** Makes validators in which a field that is not described is a fault. */
export function strictValidators({ components }: Document): (schema: Json) => ValidateFunction {
  const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true });
  ajv.addSchema({ $id: ROOT, $defs: strict(components.schemas) });
  return (schema) => ajv.compile(strict(schema) as Json);
}

function strict(schema: Json): unknown {
  return mapKeys(closed(schema), (key, inner) =>
    key === '$ref' && typeof inner === 'string'
      ? inner.replace('#/components/schemas/', `${ROOT}#/$defs/`)
      : undefined,
  );
}

/** Objects of which the fields are described have no others. */
function closed(value: unknown): unknown {
  const copy = mapKeys(value, () => undefined, closed);
  if (typeof copy !== 'object' || copy === null || !('properties' in copy) || 'additionalProperties' in copy)
    return copy;
  return (copy as Json)['type'] === 'object' ? { ...copy, additionalProperties: false } : copy;
}

function mapKeys(
  value: unknown,
  change: (key: string, inner: unknown) => unknown,
  deeper: (inner: unknown) => unknown = (inner) => mapKeys(inner, change),
): unknown {
  if (Array.isArray(value)) return value.map((each) => deeper(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, change(key, inner) ?? deeper(inner)]),
  );
}

/** Places of schemas that take anything: what is described there is nothing. */
export function emptySchemas(schemas: Json): string[] {
  const found: string[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) return value.forEach((each, i) => walk(each, `${path}/${i}`));
    const isNames = /\/(properties|schemas|patternProperties)$/.test(path);
    if (!isNames && Object.keys(value).every((key) => key === 'description')) found.push(path);
    for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${key}`);
  };
  walk(schemas, '/schemas');
  return found;
}
