import t from 'tap';
import { runProgram } from '../../src/cli/program.ts';
import type { Registration } from '../../src/cli/registrar.ts';
import { FederationError } from '../../src/federation/members/federation-error.ts';

function never(): never {
  throw new Error('reads no configuration');
}

/** What a command line has done, or what is said of it. */
async function run(line: string, more: Partial<Registration> = {}): Promise<unknown> {
  const asked: unknown[] = [];
  let text = '';
  const note = (verb: string) => async (name: string, choice: object) => {
    asked.push([verb, name, choice]);
    return '';
  };
  const registration = {
    init: note('init'),
    join: note('join'),
    unjoin: async (name: string, choice: object) => void asked.push(['unjoin', name, choice]),
    ...more,
  };
  const code = await runProgram(line.split(' '), {
    out: (part) => void (text += part),
    err: (part) => void (text += part),
    clock: Date.now,
    version: '',
    load: never,
    serve: never,
    registration,
  });
  return code === 0 ? (asked[0] ?? text) : text.trim();
}

t.test('the forms of init, join and unjoin', async (t) => {
  const cases: readonly (readonly [line: string, asked: unknown])[] = [
    [
      'init main --context host --domain Example.COM.',
      ['init', 'main', { context: 'host', domain: 'example.com', select: 'label', nameservers: [] }],
    ],
    [
      'init main --context host --domain example.com --select all --write fedns.yaml --kubeconfig k --dry-run',
      [
        'init',
        'main',
        {
          context: 'host',
          domain: 'example.com',
          select: 'all',
          write: 'fedns.yaml',
          kubeconfig: 'k',
          dryRun: true,
          nameservers: [],
        },
      ],
    ],
    [
      'init main --context host --domain example.com --deploy --image i --nameserver ns1.example.com=192.0.2.1,2001:db8::1 ns.example.org',
      [
        'init',
        'main',
        {
          context: 'host',
          domain: 'example.com',
          select: 'label',
          image: 'i',
          nameservers: [
            { name: 'ns1.example.com', addresses: ['192.0.2.1', '2001:db8::1'] },
            { name: 'ns.example.org', addresses: [] },
          ],
        },
      ],
    ],
    ['join us --context us --host-context host', ['join', 'us', { context: 'us', hostContext: 'host' }]],
    [
      'join us --context us --host-context host --region r --zones a,b --server https://192.0.2.1 --token-for 90d --dry-run',
      [
        'join',
        'us',
        {
          context: 'us',
          hostContext: 'host',
          region: 'r',
          zones: 'a,b',
          server: 'https://192.0.2.1',
          tokenSeconds: 7_776_000,
          dryRun: true,
        },
      ],
    ],
    [
      'unjoin us --context us --host-context host --force --kubeconfig k',
      ['unjoin', 'us', { context: 'us', hostContext: 'host', force: true, kubeconfig: 'k' }],
    ],
    ['init main --context host', /required option '--domain <domain>'/],
    ['init main --domain example.com', /required option '--context <host>'/],
    ['init main --context host --domain -x-', /^fedns: --domain -x-: /],
    ['init main --context host --domain example.com --select export', /Allowed choices are label, all/],
    ['init main --context host --domain example.com --deploy', /--deploy needs --image/],
    ['init main --context host --domain example.com --deploy --image i', /--deploy needs --nameserver/],
    ['init main --context host --domain example.com --image i', /--image is of --deploy/],
    [
      'init main --context host --domain example.com --nameserver ns1.example.com=here',
      /--nameserver here: /,
    ],
    ['join us --context us', /required option '--host-context <host>'/],
    ['join us --context us --host-context host --token-for 5m', /--token-for 5m: a time of at least 10m/],
    ['join us --context us --host-context host --token-for always', /--token-for always/],
    ['unjoin us --host-context host', /required option '--context <member>'/],
  ];
  for (const [line, asked] of cases) {
    const done = await run(line);
    if (asked instanceof RegExp) t.match(done, asked, line);
    else t.same(done, asked, line);
  }
});

const refuse = async (): Promise<never> => {
  throw new FederationError('ALREADY_MEMBER', 'the cluster is a member already, as us');
};

const print = async (): Promise<string> => 'kind: Secret\n';

t.test('what is refused is one line and exit code 1; a dry run prints what it is given', async (t) => {
  const line = 'join usa --context us --host-context host';
  t.equal(await run(line, { join: refuse }), 'fedns: the cluster is a member already, as us');
  t.equal(await run(`${line} --dry-run`, { join: print }), 'kind: Secret\n');
});
