import t from 'tap';
import { keepService, sameService, unkeepService } from '../../../src/watchers/objects/kept-service.ts';
import type { SlimService } from '../../../src/watchers/objects/objects.ts';

const PLAIN: SlimService = {
  kind: 'Service',
  namespace: 'mynamespace',
  name: 'nginx',
  type: 'LoadBalancer',
  marks: { federation: 'myfederation' },
  clusterIPs: [],
  externalIPs: [],
  ingress: [{ ip: '192.0.2.1' }],
  ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
  publishNotReadyAddresses: false,
  deleting: false,
};

const CASES: Record<string, Partial<SlimService>> = {
  'a Service of a load balancer': {},
  'a load balancer that has no address yet': { ingress: [] },
  'a hostname': { ingress: [{ hostname: 'lb.example.net' }] },
  'an address beside a hostname, and an entry with neither': {
    ingress: [{ ip: '192.0.2.1', hostname: 'lb.example.net' }, {}],
  },
  'text that is no address': { ingress: [{ ip: '"],[["\n' }], externalIPs: ['\u0000', '192.0.2.2'] },
  'external IPs': { externalIPs: ['192.0.2.3'] },
  'addresses of the cluster': { type: 'ClusterIP', ingress: [], clusterIPs: ['10.0.0.1', 'fd00::1'] },
  'another federation, a TTL': { marks: { federation: 'other', ttl: '60' } },
  'no ports': { ports: [] },
  'another port': { ports: [{ name: 'http', protocol: 'TCP', port: 8080 }] },
  'addresses that are not ready': { publishNotReadyAddresses: true },
  'a Service that is being deleted': { deleting: true },
};

for (const [title, fields] of Object.entries(CASES)) {
  t.test(`what is kept of ${title} is all that counts`, (t) => {
    const service = { ...PLAIN, ...fields };
    const kept = keepService(service, true);
    t.strictSame(unkeepService({ namespace: 'mynamespace', name: 'nginx' }, kept), service);
    t.ok(sameService(kept, keepService(structuredClone(service), true)), 'the same, from another list');
    for (const [other, fieldsThere] of Object.entries(CASES)) {
      if (other !== title) t.notOk(sameService(kept, keepService({ ...PLAIN, ...fieldsThere }, true)), other);
    }
    t.end();
  });
}

t.test('addresses of the cluster are kept only where they are published', (t) => {
  const kept = keepService({ ...PLAIN, clusterIPs: ['10.0.0.1'] }, false);
  t.ok(sameService(kept, keepService(PLAIN, false)));
  t.notOk(sameService(undefined, kept));
  t.end();
});
