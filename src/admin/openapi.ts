/**
 * Owns the description of the admin server's paths as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1): the rows of the table
 * and the schemas that stand in them, written down. What cannot be told from a row is not said.
 */

import { z } from 'zod';
import { METHODS, type Method, type OtherReply, type Parameter, type Route, type Routes } from './route.ts';
import { errorSchema } from './schemas-views.ts';

/** Of this API: its paths and fields stay as they are, more may be added. */
const API_VERSION = '1';

type Json = Readonly<Record<string, unknown>>;

/** Replies that any row of a kind may have. */
const COMMON_REPLIES: readonly {
  readonly status: number;
  readonly name: string;
  readonly about: string;
  readonly mayCome: (method: Method, route: Route<unknown>) => boolean;
}[] = [
  {
    status: 400,
    name: 'Malformed',
    about: 'A key of the query string or the body is not as it should be.',
    mayCome: (_method, { parameters = [], body }) => parameters.length > 0 || body !== undefined,
  },
  {
    status: 401,
    name: 'TokenNeeded',
    about: 'The admin token is needed: what it allows changes something.',
    mayCome: (method) => method !== 'GET',
  },
  {
    status: 413,
    name: 'TooLong',
    about: 'The body is too long, or there is one where none is taken.',
    mayCome: () => true,
  },
  {
    status: 415,
    name: 'NotJson',
    about: 'The body is declared as something else than plain application/json.',
    mayCome: (_method, { body }) => body !== undefined,
  },
  {
    status: 421,
    name: 'OtherHost',
    about: 'The Host header names neither an address, localhost, nor one of adminHosts.',
    mayCome: () => true,
  },
  {
    status: 422,
    name: 'WrongBody',
    about: 'The body is JSON and not what is taken; the error names what is wrong with it.',
    mayCome: (_method, { body }) => body !== undefined,
  },
  { status: 500, name: 'Failed', about: 'A fault of fedns; its log says more.', mayCome: () => true },
];

/** Schemas by name, as operations refer to them. */
type Components = Map<string, Json>;

/** Describes every row. */
export function describeRoutes(routes: Routes): Json {
  const schemas: Components = new Map();
  const paths = Object.fromEntries(
    [...routes].map(([path, methods]) => {
      const rows = METHODS.flatMap((method) => {
        const route = methods[method];
        return route === undefined ? [] : [[method, route] as const];
      });
      const operations = rows.map(([method, route]) => [
        method.toLowerCase(),
        operationOf(path, method, route, schemas),
      ]);
      return [path, Object.fromEntries(operations)];
    }),
  );
  const responses = COMMON_REPLIES.map(({ name, about }) => [name, errorReply(about, schemas)]);
  return {
    openapi: '3.1.1',
    info: {
      title: 'fedns admin API',
      version: API_VERSION,
      description:
        'What the admin address of fedns answers. Reading needs no token; what changes something needs the one of the state ' +
        'folder. Fields may be added to replies.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The admin address of the configuration.' }],
    paths,
    components: {
      schemas: Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      responses: Object.fromEntries(responses),
      securitySchemes: {
        adminToken: {
          type: 'http',
          scheme: 'bearer',
          description: 'The token in the file admin.token of the state folder.',
        },
      },
    },
  };
}

function operationOf(path: string, method: Method, route: Route<unknown>, schemas: Components): Json {
  const { about, parameters = [], body, example } = route;
  return {
    operationId: operationId(path, method),
    summary: about,
    ...(parameters.length > 0 && { parameters: parameters.map(parameterOf) }),
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: schemaOf(body, schemas, 'input'),
            ...(example !== undefined && { example }),
          },
        },
      },
    }),
    responses: repliesOf(method, route, schemas),
    security: method === 'GET' ? [] : [{ adminToken: [] }],
  };
}

/** `GET /api/v1/geo/map` is `getGeoMap`. */
function operationId(path: string, method: Method): string {
  const words = path.replace(/^\/api\/v1/, '').match(/[A-Za-z0-9]+/g) ?? ['index'];
  return [method.toLowerCase(), ...words.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('');
}

function parameterOf({ name, about, isRequired, isRepeated, schema, example }: Parameter): Json {
  const one = schema ?? { type: 'string' };
  return {
    name,
    in: 'query',
    description: about,
    required: isRequired === true,
    schema: isRepeated === true ? { type: 'array', items: one } : one,
    ...(example !== undefined && { example: isRepeated === true ? [example] : example }),
  };
}

function repliesOf(method: Method, route: Route<unknown>, schemas: Components): Json {
  const common = COMMON_REPLIES.filter(({ mayCome }) => mayCome(method, route));
  const good = { description: 'As asked.', content: contentOf(route.replies, schemas) };
  return {
    200: good,
    ...Object.fromEntries(
      common.map(({ status, name }) => [status, { $ref: `#/components/responses/${name}` }]),
    ),
    ...Object.fromEntries(
      Object.entries(route.otherReplies ?? {}).map(([status, reply]) => [status, otherReply(reply, schemas)]),
    ),
  };
}

function otherReply({ about, content }: OtherReply, schemas: Components): Json {
  return content === undefined
    ? errorReply(about, schemas)
    : { description: about, content: contentOf(content, schemas) };
}

function errorReply(description: string, schemas: Components): Json {
  return { description, content: contentOf({ 'application/json': errorSchema }, schemas) };
}

function contentOf(replies: Readonly<Record<string, z.ZodType | undefined>>, schemas: Components): Json {
  return Object.fromEntries(
    Object.entries(replies).map(([mediaType, schema]) => [
      mediaType,
      { schema: schema === undefined ? { type: 'string' } : schemaOf(schema, schemas, 'output') },
    ]),
  );
}

/** A schema by itself; those of it that have a name become components. */
function schemaOf(schema: z.ZodType, schemas: Components, io: 'input' | 'output'): Json {
  const written = z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io,
    override: ({ jsonSchema }) => tidy(io, jsonSchema),
  });
  const { $schema: _dialect, $defs = {}, ...own } = written;
  for (const [name, component] of Object.entries($defs)) schemas.set(name, toComponents(component) as Json);
  return toComponents(own) as Json;
}

/** Takes out what Zod writes down that follows from JSON itself, and leaves replies open: fields may be added to them. */
function tidy(io: 'input' | 'output', schema: Record<string, unknown>): void {
  if (schema['maximum'] === Number.MAX_SAFE_INTEGER) delete schema['maximum'];
  if (schema['minimum'] === Number.MIN_SAFE_INTEGER) delete schema['minimum'];
  if (JSON.stringify(schema['propertyNames']) === '{"type":"string"}') delete schema['propertyNames'];
  if (io === 'output' && schema['additionalProperties'] === false) delete schema['additionalProperties'];
}

/** References to definitions beside a schema lead to the components of the document. */
function toComponents(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => toComponents(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === '$ref' && typeof inner === 'string'
        ? inner.replace(/^#\/\$defs\//, '#/components/schemas/')
        : toComponents(inner),
    ]),
  );
}
