/** Two short faults of the kit, so that it stays able to find something; all of them: `npm run faults`. */

import t from 'tap';
import { FAULTS } from '../../bench/faults/faults.ts';
import { Judge } from '../../bench/faults/judge.ts';
import { play } from '../../bench/faults/play.ts';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

t.setTimeout(240_000);

for (const name of ['gone-storm', 'worker-crash']) {
  const fault = FAULTS.find((one) => one.name === name)!;
  t.test(`${name}: ${fault.about}`, async (t) => {
    // Neither how long a change takes nor whether every query is answered is judged here: other tests run beside this one.
    const { tally, recoverMs } = await play(fault, { allowanceMs: 200_000, limitMs: 200_000 });
    t.equal(tally.wrong, 0, tally.shown.join('; '));
    t.type(recoverMs, 'number', 'it came to its end');
    t.ok(tally.asked > 0);
  });
}

t.test('the judge counts a wrong address, one that is missing, an RCODE and silence', async (t) => {
  const server = createSocket('udp4');
  await once(server.bind(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  // Each query comes back as if it were its reply: NOERROR without an address.
  server.on('message', (query, { port, address }) => {
    if (query[1] === 1) return;
    query[2] = 0x84;
    query[3] = query[1] === 2 ? 2 : 0;
    server.send(query, port, address);
  });
  const judge = new Judge(server.address().port, 1000);
  judge.expect('nginx.example.com', ['192.0.2.1']);
  judge.begin();
  await judge.until('nginx.example.com', ['SERVFAIL']);
  const { asked, wrong, lost, shown } = await judge.end(500);
  t.ok(lost >= 1);
  t.equal(wrong, asked - lost);
  t.match(shown[1] ?? shown[0], /"SERVFAIL"|""/);
});
