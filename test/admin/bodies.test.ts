import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { z } from 'zod';
import { BODY_OCTETS_MAX } from '../../src/admin/body.ts';
import { Metrics } from '../../src/admin/metrics.ts';
import { sendJson } from '../../src/admin/reply.ts';
import { taking, type Call, type Routes } from '../../src/admin/route.ts';
import { AdminServer } from '../../src/admin/server.ts';
import { fakeControlPlane } from './fake-control-plane.ts';

const TOKEN = 'x'.repeat(43);
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const ROUTES: Routes = new Map([
  [
    '/things',
    {
      GET: {
        about: 'read',
        parameters: [],
        replies: {},
        serve: ({ response }: Call) => sendJson(response, 200, []),
      },
      POST: taking({
        about: 'make one',
        replies: {},
        parameters: [{ name: 'dry', about: 'only say' }],
        body: z.strictObject({ name: z.string().min(1), seconds: z.int().positive().optional() }),
        serve: ({ response, body, query }) => sendJson(response, 200, { ...body, dry: query.get('dry') }),
      }),
      DELETE: {
        about: 'end one',
        replies: {},
        parameters: [{ name: 'id', about: 'which', isRequired: true }],
        serve: ({ response, query }: Call<unknown>) => sendJson(response, 200, query.get('id')),
      },
    },
  ],
]);

async function serving(test: Test): Promise<number> {
  const control = fakeControlPlane();
  const metrics = new Metrics({ control, clock: () => 0, version: '' });
  const listen = { address: '127.0.0.1', port: 0 };
  const server = new AdminServer({ control, metrics, log, token: TOKEN, listen, routes: ROUTES });
  await server.start();
  test.teardown(() => server.stop());
  return server.address.port;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const allowed = (init: RequestInit): RequestInit => ({
  ...init,
  headers: { authorization: `Bearer ${TOKEN}`, ...init.headers },
});
const posted = (body: string, headers: Record<string, string> = JSON_TYPE): RequestInit =>
  allowed({ method: 'POST', body, headers });

t.test('a body is taken as its row says, and refused with what is wrong', async (t) => {
  const base = `http://127.0.0.1:${await serving(t)}`;
  const cases: readonly (readonly [string, string, RequestInit, number, RegExp])[] = [
    ['a good body', '/things', posted('{"name":"a","seconds":3}'), 200, /"name":"a","seconds":3,"dry":null/],
    ['with a key of the query', '/things?dry=1', posted('{"name":"a"}'), 200, /"dry":"1"/],
    [
      'a charset',
      '/things',
      posted('{"name":"a"}', { 'content-type': 'application/json; charset=utf-8' }),
      200,
      /a/,
    ],
    ['another key of the query', '/things?dyr=1', posted('{"name":"a"}'), 400, /dyr: not one of dry/],
    ['a key twice', '/things?dry=1&dry=2', posted('{"name":"a"}'), 400, /dry: given 2 times/],
    ['no body', '/things', allowed({ method: 'POST' }), 400, /a body of JSON is needed/],
    [
      'another type',
      '/things',
      posted('{"name":"a"}', { 'content-type': 'text/plain' }),
      415,
      /application\/json/,
    ],
    [
      'a form',
      '/things',
      posted('a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      /json/,
    ],
    ['packed', '/things', posted('{}', { ...JSON_TYPE, 'content-encoding': 'gzip' }), 415, /gzip/],
    ['half of it', '/things', posted('{"name":"a"'), 400, /not JSON/],
    [
      'octets that are no UTF-8',
      '/things',
      allowed({ method: 'POST', body: Buffer.from('{"name":"\xff"}', 'latin1'), headers: JSON_TYPE }),
      400,
      /not JSON in UTF-8/,
    ],
    ['a value of another kind', '/things', posted('{"name":3}'), 422, /name: /],
    ['a key too many', '/things', posted('{"name":"a","scd":3}'), 422, /scd/],
    ['a list', '/things', posted('[]'), 422, /object/],
    ['as long as can be', '/things', posted(`{"name":"${'a'.repeat(BODY_OCTETS_MAX - 11)}"}`), 200, /aaa/],
    [
      'an octet longer',
      '/things',
      posted(`{"name":"${'a'.repeat(BODY_OCTETS_MAX - 10)}"}`),
      413,
      /at most 65536/,
    ],
    ['ended', '/things?id=7', allowed({ method: 'DELETE' }), 200, /^"7"/],
    ['ended without saying which', '/things', allowed({ method: 'DELETE' }), 400, /id: missing/],
    [
      'ended with a body',
      '/things?id=7',
      allowed({ method: 'DELETE', body: '{}', headers: JSON_TYPE }),
      413,
      /no body/,
    ],
    ['a method without a row', '/things', allowed({ method: 'PUT', body: '{}' }), 405, /method/],
    ['a method that nobody has', '/things', allowed({ method: 'PATCH' }), 405, /method/],
    ['no such path', '/thing', posted('{"name":"a"}'), 404, /no such path/],
    [
      'without the token',
      '/things',
      { method: 'POST', body: '{"name":"a"}', headers: JSON_TYPE },
      401,
      /token/,
    ],
    ['without the token, and no such path', '/thing', { method: 'DELETE' }, 401, /token/],
    ['asked by a browser whether it may', '/things', { method: 'OPTIONS' }, 405, /method/],
  ];
  for (const [title, path, init, status, text] of cases) {
    const response = await fetch(base + path, init);
    t.equal(response.status, status, title);
    t.match(await response.text(), text, title);
    t.equal(response.headers.get('access-control-allow-origin'), null);
    if (status === 405) t.equal(response.headers.get('allow'), 'GET, HEAD, POST, DELETE');
  }
});

t.test('a body in chunks is counted as it comes, and one that breaks off harms nobody', async (t) => {
  const port = await serving(t);
  const head =
    `POST /things HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n` +
    'Content-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
  t.match(await exchange(port, head + chunk('{"na') + chunk('me":"a"}') + chunk('')), /^HTTP\/1\.1 200 /);
  const endless = head + chunk('a'.repeat(BODY_OCTETS_MAX)) + chunk('a');
  t.match(
    await exchange(port, endless, /octets"/),
    /^HTTP\/1\.1 413 [^]*at most 65536/,
    'the end is not waited for',
  );
  const socket = connect(port, '127.0.0.1');
  socket.write(head + chunk('{"na'));
  await once(socket, 'connect');
  socket.destroy();
  t.equal((await fetch(`http://127.0.0.1:${port}/things`)).status, 200);
});

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** @param until - what need not be waited for longer than this; default: the close */
async function exchange(port: number, text: string, until?: RegExp): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let reply = '';
  socket.write(text);
  for await (const part of socket.setEncoding('utf8')) {
    reply += part;
    if (until?.test(reply) === true) break;
  }
  return reply;
}
