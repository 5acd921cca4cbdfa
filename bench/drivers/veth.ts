/**
 * Two network namespaces joined by a veth pair, for kxdpgun, which speaks to a device and not to loopback. Receive
 * work is steered to the server's core, so that the server's side is the limit. Needs root.
 */

import { run } from '../process.ts';

export interface Veth {
  readonly serverNamespace: string;
  readonly clientNamespace: string;
  readonly serverAddress: string;
  readonly clientDevice: string;
  remove(): Promise<void>;
}

const SERVER = '198.18.0.1';
const CLIENT = '198.18.0.2';

/** @param serverCores - bit mask of the cores that take the server's packets, in hexadecimal */
export async function createVeth(serverCores: string): Promise<Veth> {
  const [server, client] = [`fedns-s${process.pid}`, `fedns-c${process.pid}`];
  const remove = async (): Promise<void> => {
    for (const name of [server, client]) await ip(`netns del ${name}`).catch(() => {});
  };
  try {
    for (const name of [server, client]) await ip(`netns add ${name}`);
    await ip(`link add bench0 netns ${server} type veth peer name bench1 netns ${client}`);
    await ip(`-n ${server} addr add ${SERVER}/30 dev bench0`);
    await ip(`-n ${client} addr add ${CLIENT}/30 dev bench1`);
    for (const name of [server, client]) await ip(`-n ${name} link set lo up`);
    await ip(`-n ${server} link set bench0 up`);
    await ip(`-n ${client} link set bench1 up`);
    await steer(server, serverCores);
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    serverNamespace: server,
    clientNamespace: client,
    serverAddress: SERVER,
    clientDevice: 'bench1',
    remove,
  };
}

function ip(command: string): Promise<string> {
  return run(['ip', ...command.split(' ')]);
}

/** Each namespace has a /sys of its own; `ip netns exec` mounts it for the command. */
async function steer(namespace: string, cores: string): Promise<void> {
  const file = '/sys/class/net/bench0/queues/rx-0/rps_cpus';
  await run(['ip', 'netns', 'exec', namespace, 'sh', '-c', `echo ${cores} > ${file}`]);
}
