/**
 * A server written the usual way with dns2, for scale: looks the name up in a Map and follows aliases.
 *
 *   node bench/peers/dns2-server.ts ADDRESS PORT ZONEFILE
 */

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createServer, Packet } from 'dns2';

const TYPES: Readonly<Record<string, number>> = { A: 1, NS: 2, CNAME: 5, SOA: 6, AAAA: 28 };

interface Stored {
  readonly type: number;
  readonly ttl: number;
  readonly rdata: string;
}

const [address = '127.0.0.1', port = '5300', zoneFile = ''] = process.argv.slice(2);
const zone = new Map<string, Stored[]>();
for await (const line of createInterface({ input: createReadStream(zoneFile) })) {
  const [owner = '', ttl, , type = '', rdata = ''] = line.split('\t');
  const name = owner.slice(0, -1);
  const own = zone.get(name);
  const record = { type: TYPES[type] ?? 0, ttl: Number(ttl), rdata };
  if (own === undefined) zone.set(name, [record]);
  else own.push(record);
}

const server = createServer({
  udp: true,
  handle: (request, send) => {
    const response = Packet.createResponseFromRequest(request);
    const [question] = request.questions;
    answer(response, question!.name.toLowerCase(), question!.type);
    send(response);
  },
});
await server.listen({ udp: { port: Number(port), address } });
console.log('ready');

function answer(response: Packet, asked: string, type: number): void {
  const { header } = response;
  // The declared type asks for more than encoding does.
  const answers: object[] = response.answers;
  header.aa = 1;
  if (!zone.has(asked)) header.rcode = 3;
  for (let name: string | undefined = asked; name !== undefined;) {
    const own: Stored[] = zone.get(name) ?? [];
    const alias: Stored | undefined = own.find((record) => record.type === TYPES['CNAME']);
    for (const { ttl, rdata } of own.filter((record) => record.type === type)) {
      answers.push({ name, type, class: 1, ttl, address: rdata });
    }
    if (alias === undefined) return;
    const domain = alias.rdata.slice(0, -1);
    answers.push({ name, type: alias.type, class: 1, ttl: alias.ttl, domain });
    name = domain;
  }
}
