/** Waits until a server answers: `node bench/drivers/await-answer.ts ADDRESS PORT`. Run in the server's network namespace. */

import { createSocket } from 'node:dgram';
import { DOMAIN } from '../domain.ts';
import { encodeQuery } from './queries.ts';

const [address = '127.0.0.1', port = '53'] = process.argv.slice(2);
const socket = createSocket('udp4').on('error', () => {});
socket.on('message', (reply) => {
  if ([2, 5].includes(reply[3]! & 15)) return;
  console.log('answered');
  process.exit(0);
});
setInterval(() => socket.send(encodeQuery(1, DOMAIN, 6, false), Number(port), address, () => {}), 20);
setTimeout(() => process.exit(1), 100_000);
