import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { text as textOf } from 'node:stream/consumers';
import { Validator } from '@seriousme/openapi-schema-validator';
import t from 'tap';
import type { Test } from 'tap';
import { BODY_OCTETS_MAX } from '../../src/admin/body.ts';
import { openapiText } from '../../src/admin/routes-openapi.ts';
import { ROUTES } from '../../src/admin/routes.ts';
import {
  emptySchemas,
  operationsOf,
  replyOf,
  startWorld,
  strictValidators,
  type Document,
  type Operation,
  type World,
} from './openapi-world.ts';

const document = JSON.parse(openapiText(ROUTES)) as Document;
const operations = operationsOf(document);

/** Calls that cannot succeed in a world where nothing has gone wrong, and what they are answered with. */
const OTHER_STATUS: Readonly<Record<string, number>> = {};

/** Further bodies, sent before the example, and what they are answered with. */
const MORE_BODIES: Readonly<Record<string, readonly (readonly [body: object, status: number])[]>> = {
  'POST /api/v1/drills/run': [
    [{ name: 'none' }, 404],
    [{ name: 'example', dryRun: true }, 200],
  ],
  'POST /api/v1/drills/stop': [[{ name: 'none' }, 404]],
  'POST /api/v1/plans/run': [
    [{ name: 'none' }, 404],
    [{ name: 'example', dryRun: true }, 200],
  ],
  'POST /api/v1/plans/approve': [
    [{ name: 'none' }, 404],
    [{ name: 'example', step: 2 }, 409],
  ],
  'POST /api/v1/plans/abort': [[{ name: 'none' }, 404]],
};

t.test('the description is valid OpenAPI 3.1, and docs/openapi.json is the same', async (t) => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document) as unknown as Record<string, unknown>);
  t.strictSame(result.errors ?? [], []);
  t.equal(result.valid, true);
  t.equal(validator.version, '3.1');
  const file = readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8');
  t.ok(file === openapiText(ROUTES), 'docs/openapi.json is as the routes are; npm run openapi writes it');
  const ids = operations.map(({ operationId }) => operationId);
  t.equal(new Set(ids).size, ids.length, 'each operation has an id of its own');
});

t.test('every JSON that is sent is described, down to its last field', async (t) => {
  const { OpenApi: _any, ...schemas } = document.components.schemas;
  t.strictSame(emptySchemas(schemas), [], 'no schema takes anything');
  for (const operation of operations) {
    for (const status of Object.keys(operation.responses)) {
      for (const [mediaType, { schema }] of Object.entries(
        replyOf(document, operation, Number(status))!.content,
      )) {
        if (!/json/.test(mediaType)) continue;
        const what = `${operation.method} ${operation.path} ${status} ${mediaType}`;
        t.not(schema['type'], 'string', `${what}: replies has a schema`);
        t.strictSame(emptySchemas(schema), [], what);
      }
    }
  }
});

t.test('a server answers as it is described', async (t) => {
  const world = await startWorld(t);
  const served = await fetch(`${world.base}/api/v1/openapi.json`);
  t.equal(await served.text(), openapiText(ROUTES), 'the description is served');
  await listsTheSame(t, world);
  const validatorOf = strictValidators(document);
  for (const operation of operations) {
    const what = `${operation.method} ${operation.path}`;
    await t.test(what, async (t) => {
      for (const { about, status, call } of callsOf(operation, world)) {
        const answer = await ask(world, operation, call);
        t.equal(answer.status, status, `${about}: ${answer.text.slice(0, 300)}`);
        checkContent(t, operation, answer, validatorOf, about);
      }
    });
  }
});

/** What `/` tells people is what the description tells programs; other methods are refused. */
async function listsTheSame(t: Test, { base, token }: World): Promise<void> {
  const list = await (await fetch(`${base}/`)).text();
  const lines = [...list.matchAll(/^(?:([A-Z]+) )?(\/\S*)  /gm)].map(
    ([, method = 'GET', path]) => `${method} ${path}`,
  );
  const described = operations.map(({ method, path }) => `${method} ${path}`);
  t.strictSame(lines.toSorted(), described.toSorted(), 'the list of paths');
  for (const [path, methods] of Object.entries(document.paths)) {
    const reply = await fetch(base + path, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token}` },
    });
    const allowed = (reply.headers.get('allow') ?? '').split(', ').filter((method) => method !== 'HEAD');
    const known = Object.keys(methods).map((method) => method.toUpperCase());
    t.strictSame([reply.status, allowed.toSorted()], [405, known.toSorted()], `${path}: its methods`);
  }
}

interface Call {
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Expected {
  readonly about: string;
  readonly status: number;
  readonly call: Call;
}

/** The good call, made of the examples in the description, and what each such operation refuses. */
function callsOf(operation: Operation, { token }: World): Expected[] {
  const { method, path, parameters = [], requestBody } = operation;
  const authorization = `Bearer ${token}`;
  const examples = (filter: (required: boolean) => boolean): [string, string][] =>
    parameters.flatMap(({ name, required, example = [] }) =>
      filter(required) ? [example].flat().map((value): [string, string] => [name, value]) : [],
    );
  const json = { 'content-type': 'application/json', authorization };
  const query = examples((required) => required);
  const example = requestBody?.content['application/json'].example;
  const body = requestBody === undefined ? {} : { body: JSON.stringify(example), headers: json };
  const good: Call = { query, headers: { authorization }, ...body };
  const status = OTHER_STATUS[`${method} ${path}`] ?? 200;
  const refused: Expected[] = [
    {
      about: 'for another host',
      status: 421,
      call: { ...good, headers: { ...good.headers, host: 'attacker.example' } },
    },
  ];
  if (operation.responses['400'] !== undefined && parameters.length > 0)
    refused.push({
      about: 'an unknown key',
      status: 400,
      call: { ...good, query: [...query, ['nothing', '1']] },
    });
  if (method !== 'GET')
    refused.push({
      about: 'without the token',
      status: 401,
      call: { ...good, headers: { 'content-type': 'application/json' } },
    });
  if (requestBody === undefined)
    refused.push({ about: 'with a body', status: 413, call: { ...good, headers: json, body: '{}' } });
  else
    refused.push(
      { about: 'no JSON', status: 400, call: { query, headers: json, body: '{' } },
      {
        about: 'another type',
        status: 415,
        call: { query, headers: { authorization, 'content-type': 'text/plain' }, body: '{}' },
      },
      { about: 'another body', status: 422, call: { query, headers: json, body: '{"nothing":1}' } },
      {
        about: 'a long body',
        status: 413,
        call: { query, headers: json, body: ' '.repeat(BODY_OCTETS_MAX + 1) },
      },
    );
  const more = (MORE_BODIES[`${method} ${path}`] ?? []).map(([sent, answered]): Expected => {
    const text = JSON.stringify(sent);
    return { about: text, status: answered, call: { query, headers: json, body: text } };
  });
  refused.push(...more);
  // What is refused changes nothing, so it comes first.
  const calls: Expected[] = [...refused, { about: 'as described', status, call: good }];
  const all = examples(() => true);
  if (method === 'GET' && all.length > query.length)
    calls.push({ about: 'with every example', status, call: { ...good, query: all } });
  for (const accept of Object.keys(contentOf(operation, 200)).filter(
    (type) => type === 'application/x-ndjson',
  ))
    calls.push({ about: `as ${accept}`, status, call: { ...good, headers: { ...good.headers, accept } } });
  return calls;
}

interface Answer {
  readonly status: number;
  readonly mediaType: string;
  readonly text: string;
}

/** By node:http, which lets a test name any host. Of a stream without end, the first event is read. */
function ask(
  { port }: World,
  { method, path }: Operation,
  { query = [], headers = {}, body }: Call,
): Promise<Answer> {
  const search =
    query.length === 0
      ? ''
      : `?${new URLSearchParams(query.map(([name, value]) => [name, value])).toString()}`;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const options = {
    host: '127.0.0.1',
    port,
    method,
    path: path + search,
    headers: { ...headers, ...length },
  };
  return new Promise((resolve, reject) => {
    const sent = request(options, async (response) => {
      const mediaType = (response.headers['content-type'] ?? '').replace(/;.*/, '');
      const text = mediaType === 'text/event-stream' ? await firstEvent(response) : await textOf(response);
      if (mediaType === 'text/event-stream') sent.destroy();
      resolve({ status: response.statusCode!, mediaType, text });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

async function firstEvent(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const piece of stream) {
    text += piece.toString();
    if (/^data:.*\n\n/ms.test(text)) return text;
  }
  return text;
}

function contentOf(operation: Operation, status: number): NonNullable<ReturnType<typeof replyOf>>['content'] {
  return replyOf(document, operation, status)?.content ?? {};
}

function checkContent(
  t: Test,
  operation: Operation,
  { status, mediaType, text }: Answer,
  validatorOf: ReturnType<typeof strictValidators>,
  about: string,
): void {
  const described = contentOf(operation, status)[mediaType];
  if (described === undefined) return void t.fail(`${about}: ${status} with ${mediaType} is not described`);
  if (!/json/.test(mediaType)) return;
  const check = validatorOf(described.schema);
  const values = mediaType === 'application/x-ndjson' ? text.trim().split('\n') : [text];
  for (const value of values) {
    if (!check(JSON.parse(value)))
      t.fail(`${about}: ${status} is not as described`, {
        errors: check.errors?.slice(0, 5),
        value: value.slice(0, 500),
      });
  }
}
