import { test } from 'tap';
import { packAddress, parseAddress } from '../../src/zonebuilder/ip-text.ts';

test('an address as one-byte text has the octets of the address', async (t) => {
  const addresses = [
    '0.0.0.0',
    '9.10.99.100',
    '192.0.2.1',
    '255.255.255.255',
    '::',
    '2001:db8::1',
    '::ffff:192.0.2.1',
  ];
  for (const text of addresses) {
    const octets = parseAddress(text)!;
    t.equal(packAddress(text), octets.toString('latin1'), text);
    t.equal(packAddress(text)!.length, text.includes(':') ? 16 : 4, `${text} has its octets and no more`);
  }
});

test('what is no address has no octets', async (t) => {
  for (const text of ['', '1.2.3', '1.2.3.256', '01.2.3.4', '1.2.3.4 ', 'fe80::1%eth0', 'example.com'])
    t.equal(packAddress(text), undefined, JSON.stringify(text));
});
