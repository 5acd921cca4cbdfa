/** A pool in a process of its own: tells its port, then its resident octets whenever it is asked. */

import { createPool } from '../transport-fixture.ts';

const pool = await createPool(process.argv[2] as 'batch' | 'portable');
const [listen] = await pool.start();
process.send!(listen!.port);
process.on('message', () => process.send!(process.memoryUsage.rss()));
process.on('disconnect', () => void pool.stop());
