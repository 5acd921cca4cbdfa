import { test } from 'tap';
import { formatFault } from '../../src/config/fault.ts';
import { codesOf, example, outcomeOf, printed, withRecords } from './example.ts';

interface Case {
  readonly title: string;
  readonly records: readonly string[];
  /** With `records` left off the path. */
  readonly codes?: readonly string[];
}

function check(title: string, cases: readonly Case[]): void {
  test(title, async (t) => {
    for (const { title: name, records, codes = [] } of cases) {
      const found = codesOf(withRecords(...records)).map((code) => code.replace(' records', ' '));
      t.same(found, codes, name);
    }
  });
}

const A = (name: string, more = ''): string => `name: ${name}, type: A, data: 192.0.2.7${more}`;
const NS = (name: string, target: string): string => `name: ${name}, type: NS, data: ${target}`;
const DS = 'data: 1 8 1 2BB183AF5F22588179A53B0A98631FAD1A292118';

check('owner names', [
  { title: 'in the domain', records: [A('www.example.com')] },
  { title: 'the domain itself', records: [A('example.com')] },
  { title: 'an underscore', records: ['name: _dmarc.example.com, type: TXT, data: x'] },
  { title: 'RFC 2317: a slash', records: ['name: 0/25.example.com, type: PTR, data: a.example.net'] },
  { title: 'outside the domain', records: [A('www.example.net')], codes: ['RECORD_OUTSIDE_DOMAIN [0].name'] },
  { title: 'relative', records: [A('www')], codes: ['RECORD_OUTSIDE_DOMAIN [0].name'] },
  { title: 'the parent', records: [A('com')], codes: ['RECORD_OUTSIDE_DOMAIN [0].name'] },
  {
    title: 'a name that only ends alike',
    records: [A('wexample.com')],
    codes: ['RECORD_OUTSIDE_DOMAIN [0].name'],
  },
  { title: 'an empty label', records: [A('a..example.com')], codes: ['BAD_NAME [0].name'] },
  {
    title: 'a label of 64 octets',
    records: [A(`${'a'.repeat(64)}.example.com`)],
    codes: ['BAD_NAME [0].name'],
  },
  { title: 'RFC 4592: a wildcard', records: [A("'*.example.com'")] },
  { title: 'an asterisk further down', records: [A("'a.*.example.com'")], codes: ['BAD_WILDCARD [0].name'] },
  { title: 'an asterisk within a label', records: [A("'a*.example.com'")], codes: ['BAD_WILDCARD [0].name'] },
  { title: 'two asterisks', records: [A("'*.*.example.com'")], codes: ['BAD_WILDCARD [0].name'] },
]);

const ALIAS = (name: string, target: string): string => `name: ${name}, type: ALIAS, data: ${target}`;

check('ALIAS', [
  { title: 'the apex', records: [ALIAS('example.com', 'web.shop.fed.svc.example.com')] },
  { title: 'a location', records: [ALIAS('example.com', 'Web.shop.fed.svc.us1.us.example.com.')] },
  {
    title: 'beside other records',
    records: [
      ALIAS('a.example.com', 'web.shop.fed.svc.example.com'),
      'name: a.example.com, type: TXT, data: x',
    ],
  },
  {
    title: 'what a CNAME and an MX may lead to',
    records: [
      ALIAS('example.com', 'web.shop.fed.svc.example.com'),
      ALIAS('a.example.com', 'web.shop.fed.svc.example.com'),
      'name: www.example.com, type: CNAME, data: example.com',
      'name: example.com, type: MX, data: 10 a.example.com',
    ],
  },
  {
    title: 'beside a CNAME',
    records: [
      ALIAS('a.example.com', 'web.shop.fed.svc.example.com'),
      'name: a.example.com, type: CNAME, data: b.example.net',
    ],
    codes: ['CNAME_NOT_ALONE [1]'],
  },
  {
    title: 'beside an address',
    records: [ALIAS('a.example.com', 'web.shop.fed.svc.example.com'), A('a.example.com')],
    codes: ['BAD_ALIAS [0]'],
  },
  {
    title: 'two of them',
    records: [
      ALIAS('a.example.com', 'web.shop.fed.svc.example.com'),
      ALIAS('a.example.com', 'api.shop.fed.svc.example.com'),
    ],
    codes: ['BAD_ALIAS [0]', 'BAD_ALIAS [1]'],
  },
  {
    title: 'at the name of a Service',
    records: [ALIAS('web.shop.fed.svc.us.example.com', 'web.shop.fed.svc.example.com')],
    codes: ['BAD_ALIAS [0].name'],
  },
  {
    title: 'to a name that is no Service',
    records: [
      ALIAS('a.example.com', 'www.example.net'),
      ALIAS('b.example.com', 'example.com'),
      ALIAS('c.example.com', 'shop.fed.svc.example.com'),
      ALIAS('d.example.com', '_http._tcp.web.shop.fed.svc.example.com'),
      ALIAS('e.example.com', 'c1.web.shop.fed.svc.example.com'),
      ALIAS('f.example.com', 'web.shop.other.svc.example.com'),
      ALIAS('g.example.com', 'web.shop.fed.svc.example.net'),
    ],
    codes: [0, 1, 2, 3, 4, 5, 6].map((i) => `BAD_ALIAS [${i}].data`),
  },
  {
    title: 'to a name that a CNAME takes',
    records: [
      ALIAS('example.com', 'web.shop.fed.svc.example.com'),
      'name: web.shop.fed.svc.example.com, type: CNAME, data: www.example.net',
    ],
    codes: ['BAD_ALIAS [0].data', 'CNAME_HIDES_SERVICE [1].name'],
  },
  {
    title: 'by its code, which is reserved',
    records: ["name: a.example.com, type: TYPE0, data: '\\# 0'"],
    codes: ['BAD_RECORD_TYPE [0].type'],
  },
]);

check('types and data', [
  {
    title: 'an unknown type',
    records: ['name: a.example.com, type: AAA, data: x'],
    codes: ['BAD_RECORD_TYPE [0].type'],
  },
  { title: 'SOA', records: ['name: example.com, type: SOA, data: x'], codes: ['BAD_RECORD_TYPE [0].type'] },
  {
    title: 'a broken address',
    records: ['name: a.example.com, type: A, data: 1.2.3'],
    codes: ['BAD_RECORD_DATA [0].data'],
  },
  {
    title: 'data that YAML takes for a number',
    records: ['name: a.example.com, type: TXT, data: 10'],
    codes: ['WRONG_TYPE [0].data'],
  },
  {
    title: 'RFC 2181 8: a TTL above 2^31',
    records: [A('a.example.com', ', ttl: 2147483648')],
    codes: ['OUT_OF_RANGE [0].ttl'],
  },
  { title: 'an unknown key', records: [A('a.example.com', ', TTL: 1')], codes: ['UNKNOWN_KEY [0].TTL'] },
]);

check('aliases', [
  { title: 'an alias alone', records: ['name: a.example.com, type: CNAME, data: b.example.net'] },
  {
    title: 'RFC 1034 3.6.2: an alias beside other data',
    records: ['name: a.example.com, type: CNAME, data: b.example.net', A('A.example.com')],
    codes: ['CNAME_NOT_ALONE [0]'],
  },
  {
    title: 'two aliases of one name',
    records: [
      'name: a.example.com, type: CNAME, data: b.example.net',
      'name: a.example.com, type: CNAME, data: c.example.net',
    ],
    codes: ['CNAME_NOT_ALONE [0]'],
  },
  {
    title: 'RFC 1912 2.4: an alias at the apex',
    records: ['name: example.com, type: CNAME, data: b.example.net'],
    codes: ['APEX_RECORD [0].type'],
  },
  {
    title: 'RFC 2181 10.3: an MX that points to an alias',
    records: [
      'name: example.com, type: MX, data: 10 m.example.com',
      'name: m.example.com, type: CNAME, data: a.example.net',
    ],
    codes: ['TARGET_IS_ALIAS [0].data'],
  },
  {
    title: 'RFC 2181 10.3: a name server that is an alias',
    records: ['name: ns1.example.com, type: CNAME, data: a.example.net'],
    codes: ['NAMESERVER_CONTRADICTED [0]'],
  },
]);

check('alias loops', [
  {
    title: 'RFC 1034 3.6.2: an alias of itself',
    records: ['name: a.example.com, type: CNAME, data: A.example.com'],
    codes: ['ALIAS_LOOP [0].data'],
  },
  {
    title: 'two aliases of each other, and one that leads to them',
    records: [
      'name: a.example.com, type: CNAME, data: b.example.com',
      'name: b.example.com, type: CNAME, data: a.example.com',
      'name: c.example.com, type: CNAME, data: a.example.com',
    ],
    codes: ['ALIAS_LOOP [0].data', 'ALIAS_LOOP [1].data'],
  },
  {
    title: 'RFC 4592: a wildcard that its own target matches',
    records: ["name: '*.a.example.com', type: CNAME, data: x.a.example.com"],
    codes: ['ALIAS_LOOP [0].data'],
  },
  {
    title: 'RFC 4592 2.2.2: a wildcard does not match an empty non-terminal',
    records: ["name: '*.example.com', type: CNAME, data: b.example.com", A('x.b.example.com')],
    codes: ['TARGET_WITHOUT_ADDRESS [0].data'],
  },
  {
    title: 'a wildcard that leads to a Service',
    records: ["name: '*.example.com', type: CNAME, data: nginx.web.fed.svc.example.com"],
  },
  {
    title: 'a wildcard that leads to a name server',
    records: ["name: '*.example.com', type: CNAME, data: ns1.example.com"],
  },
  {
    title: 'a chain that ends',
    records: [
      'name: a.example.com, type: CNAME, data: b.example.com',
      'name: b.example.com, type: CNAME, data: c.example.net',
      "name: '*.example.com', type: CNAME, data: a.example.com",
    ],
  },
]);

check('targets', [
  {
    title: 'a Service',
    records: ['name: www.example.com, type: CNAME, data: nginx.web.fed.svc.example.com'],
  },
  { title: 'a name server', records: ['name: example.com, type: MX, data: 10 ns1.example.com'] },
  {
    title: 'a wildcard',
    records: [A("'*.a.example.com'"), 'name: example.com, type: MX, data: 10 x.y.a.example.com'],
  },
  { title: 'RFC 7505: none', records: ['name: example.com, type: MX, data: 0 .'] },
  {
    title: 'nothing',
    records: ['name: example.com, type: MX, data: 10 m.example.com'],
    codes: ['TARGET_WITHOUT_ADDRESS [0].data'],
  },
  {
    title: 'a relative name',
    records: ['name: www.example.com, type: CNAME, data: nginx'],
    codes: ['RELATIVE_TARGET [0].data'],
  },
  {
    title: 'something that has a fault itself',
    records: [
      'name: example.com, type: MX, data: 10 m.example.com',
      'name: m.example.com, type: A, data: 1.2.3',
    ],
    codes: ['BAD_RECORD_DATA [1].data'],
  },
]);

check('RRsets', [
  {
    title: 'two records with one TTL',
    records: [A('a.example.com', ', ttl: 5'), 'name: a.example.com, type: A, data: 192.0.2.8, ttl: 5'],
  },
  {
    title: 'RFC 2181 5.2: two TTLs in one RRset',
    records: [A('a.example.com'), 'name: a.example.com, type: A, data: 192.0.2.8, ttl: 5'],
    codes: ['RRSET_TTL [1].ttl'],
  },
  {
    title: 'two TTLs in two RRsets',
    records: [A('a.example.com'), 'name: a.example.com, type: TXT, data: x, ttl: 5'],
  },
  {
    title: 'the default TTL written out',
    records: [A('a.example.com'), 'name: a.example.com, type: A, data: 192.0.2.8, ttl: 180'],
  },
  {
    title: 'RFC 2181 5: a record twice',
    records: [A('a.example.com'), A('A.example.com.')],
    codes: ['DUPLICATE_RECORD [1]'],
  },
  {
    title: 'a record twice in two spellings',
    records: [
      'name: a.example.com, type: MX, data: 1 B.example.net',
      'name: a.example.com, type: MX, data: 01 b.example.net.',
    ],
    codes: ['DUPLICATE_RECORD [1]'],
  },
  {
    title: 'texts that differ in case',
    records: ['name: a.example.com, type: TXT, data: x', 'name: a.example.com, type: TXT, data: X'],
  },
]);

check('delegations', [
  { title: 'away from the domain', records: [NS('sub.example.com', 'ns.example.net')] },
  { title: 'with glue', records: [NS('sub.example.com', 'ns.sub.example.com'), A('ns.sub.example.com')] },
  {
    title: 'to the delegated name itself',
    records: [NS('sub.example.com', 'sub.example.com'), A('sub.example.com')],
  },
  {
    title: 'signed',
    records: [NS('sub.example.com', 'ns.example.net'), `name: sub.example.com, type: DS, ${DS}`],
  },
  {
    title: 'to a sibling with address',
    records: [NS('sub.example.com', 'ns2.example.com'), A('ns2.example.com')],
  },
  {
    title: 'RFC 1034 4.2.1: glue is missing',
    records: [NS('sub.example.com', 'ns.sub.example.com')],
    codes: ['MISSING_GLUE [0].data'],
  },
  {
    title: 'data at the zone cut',
    records: [NS('sub.example.com', 'ns.example.net'), 'name: sub.example.com, type: TXT, data: x'],
    codes: ['BELOW_DELEGATION [1]'],
  },
  {
    title: 'an address below that is no glue',
    records: [NS('sub.example.com', 'ns.example.net'), A('www.sub.example.com')],
    codes: ['BELOW_DELEGATION [1]'],
  },
  {
    title: 'a wildcard below',
    records: [NS('sub.example.com', 'ns.example.net'), A("'*.sub.example.com'")],
    codes: ['BELOW_DELEGATION [1]'],
  },
  {
    title: 'a delegation below a delegation',
    records: [NS('sub.example.com', 'ns.example.net'), NS('a.sub.example.com', 'ns.example.net')],
    codes: ['BELOW_DELEGATION [1]'],
  },
  {
    title: 'a name that only ends alike',
    records: [NS('sub.example.com', 'ns.example.net'), A('wwwsub.example.com')],
  },
  {
    title: 'RFC 4035 2.4: DS without NS',
    records: [`name: sub.example.com, type: DS, ${DS}`],
    codes: ['DS_WITHOUT_DELEGATION [0].type'],
  },
  {
    title: 'DS at the apex',
    records: [`name: example.com, type: DS, ${DS}`],
    codes: ['APEX_RECORD [0].type'],
  },
  {
    title: 'NS at the apex',
    records: [NS('example.com', 'ns.example.net')],
    codes: ['APEX_RECORD [0].type'],
  },
  {
    title: 'RFC 4592 4.2: NS at a wildcard',
    records: [NS("'*.sub.example.com'", 'ns.example.net')],
    codes: ['BAD_WILDCARD [0].name'],
  },
]);

check('names of Services', [
  {
    title: 'records beside them',
    records: [A('web.shop.fed.svc.example.com'), A('lb.web.shop.fed.svc.example.com')],
  },
  ...[
    'svc.example.com',
    'fed.svc.example.com',
    'web.fed.svc.example.com',
    'r1.example.com',
    'svc.r1.example.com',
    'z1.r1.example.com',
    'z1.example.com',
    'web.fed.svc.z1.example.com',
  ].map((name) => ({
    title: `${name} delegated away`,
    records: [NS(name, 'ns.example.net')],
    codes: ['DELEGATION_HIDES_SERVICES [0]'],
  })),
  { title: 'another label delegated away', records: [NS('r2.example.com', 'ns.example.net')] },
]);

/** Names in `example.com`, and whether a Service of federation `fed` in cluster `one` could have them. */
const OWNERS: readonly (readonly [owner: string, hides: boolean])[] = [
  ['web.shop.fed.svc', true],
  ['web.shop.fed.svc.r1', true],
  ['web.shop.fed.svc.z1.r1', true],
  ['web.shop.fed.svc.z1', true],
  ['WEB.Shop.Fed.SVC.somewhere', true],
  ['_http._tcp.web.shop.fed.svc', true],
  ['_http._tcp.web.shop.fed.svc.r1', true],
  ['one.web.shop.fed.svc', true],
  ['two.web.shop.fed.svc', false],
  ['a.b.web.shop.fed.svc', false],
  ['web.shop.other.svc', false],
  ['shop.fed.svc', false],
  ['*.shop.fed.svc', false],
  ['_tcp.shop.fed.svc', false],
  ['web.shop.fed', false],
  ['web.shop.fed.svc.a.b.c', false],
];

test('a CNAME where a Service may have a name is warned of, with its line', async (t) => {
  for (const [owner, hides] of OWNERS) {
    const { faults, warnings } = outcomeOf(
      withRecords(A('a.example.com'), `name: '${owner}.example.com', type: CNAME, data: b.example.net`),
    );
    const found = [...faults, ...warnings].map(({ code, path, line }) => `${code} ${path} ${line}`);
    t.same(found, hides ? ['CNAME_HIDES_SERVICE records[1].name 10'] : [], owner);
  }
});

test('where clusters join by themselves, any label may be that of one', async (t) => {
  const records = 'records: [{ name: two.web.shop.fed.svc.example.com, type: CNAME, data: b.example.net }]';
  const text = example({ clusterSecrets: 'clusterSecrets: { namespace: fedns }', records });
  t.same(codesOf(text), ['CNAME_HIDES_SERVICE records[0].name']);
});

check('name servers', [
  {
    title: 'another address than under nameservers',
    records: [A('ns1.example.com')],
    codes: ['NAMESERVER_CONTRADICTED [0]'],
  },
]);

test('a name server below a delegation', async (t) => {
  const text = example({
    nameservers: 'nameservers: [{ name: ns.sub.example.com, addresses: [192.0.2.1] }]',
    records: `records: [{ ${NS('sub.example.com', 'ns.example.net')} }]`,
  });
  t.same(codesOf(text), ['BELOW_DELEGATION nameservers[0].name']);
});

test('what an operator reads', async (t) => {
  t.same(printed(withRecords('name: www, type: MXX, data: x')), [
    '9:13: records[0].name: www does not lie in example.com (names are written in full: www.example.com)',
    '9:24: records[0].type: MXX is no RR type; known are A, NS, CNAME, PTR, MX, TXT, AAAA, LOC, SRV, NAPTR, DS, SSHFP, TLSA, CDS, CDNSKEY, SVCB, HTTPS, CAA, ALIAS ' +
      'and TYPEnnn (did you mean MX?)',
  ]);
  t.same(printed(withRecords('name: a.example.com, type: txt, data: v=DKIM1; k=rsa')), [
    '9:45: records[0].data: TXT data: ; must stand in a quoted string: \'"…"\' in YAML',
  ]);
});

test('twenty thousand records below a hundred names', async (t) => {
  const records = Array.from({ length: 20_000 }, (_, i) => `{ ${A(`h${i}.sub${i % 100}.example.com`)} }`);
  const text = example({ records: `records: [${records.join(', ')}]` });
  t.same(codesOf(text), []);
});

const txt = (data: string): string => `name: t.example.com, type: TXT, data: '${data}'`;

check('data that is served, and most likely meant otherwise', [
  { title: 'words without quotes', records: [txt('v=spf1 -all')], codes: ['TXT_UNQUOTED [0].data'] },
  {
    title: 'a word beside a string',
    records: [txt('"v=DMARC1; p=none" x')],
    codes: ['TXT_UNQUOTED [0].data'],
  },
  { title: 'one word', records: [txt('google-site-verification=abc')] },
  { title: 'one string', records: [txt('"v=spf1 -all"')] },
  { title: 'a long text in strings', records: [txt('"v=DKIM1; p=abc" "def"')] },
  { title: 'an escaped blank', records: [txt('v=spf1\\ -all')] },
  { title: 'an escaped quote in a string', records: [txt('"a \\" b"')] },
  { title: 'octets', records: [txt('\\# 2 0161')] },
  {
    title: 'a TLSA digest that was cut',
    records: ['name: _443._tcp.www.example.com, type: TLSA, data: 3 1 1 d2abde24'],
    codes: ['ODD_DIGEST [0].data'],
  },
  {
    title: 'a whole certificate has any length',
    records: ['name: _443._tcp.www.example.com, type: TLSA, data: 3 1 0 d2abde24'],
  },
  {
    title: 'an SSHFP digest of another algorithm',
    records: ['name: h.example.com, type: SSHFP, data: 4 2 123456789abcdef67890123456789abcdef67890'],
    codes: ['ODD_DIGEST [0].data'],
  },
  {
    title: 'an SSHFP digest',
    records: ['name: h.example.com, type: SSHFP, data: 2 1 123456789abcdef67890123456789abcdef67890'],
  },
]);

test('the warning of a text without quotes names its line and shows the string', async (t) => {
  const [warning] = outcomeOf(withRecords(txt('v=spf1 -all'))).warnings;
  t.match(formatFault(warning!), /:\d+:\d+: records\[0\]\.data: .*one string is '"v=spf1 -all"'/);
});
