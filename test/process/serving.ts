/** A fedns process on files of its own, for tests of the process as a whole. */

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { freePort } from '../support/free-port.ts';
import { scratch } from '../support/scratch.ts';

export { freePort };

export const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/**
 * A command line as a user's shell would run it: tap has every child process load its own modules, which an older Node
 * and tsc do not take. `env` becomes the command, so the process id is the command's.
 */
export function untapped(command: string, args: readonly string[]): readonly [string, string[]] {
  return ['env', ['-u', 'NODE_OPTIONS', command, ...args]];
}

/** A Service with one ready endpoint, as a member cluster would have it. */
export function manifest(address: string, ready = true): string {
  return `apiVersion: v1
kind: Service
metadata:
  name: nginx
  namespace: mynamespace
  labels: { fedns.io/federation: myfederation }
spec:
  type: LoadBalancer
  ports: [{ name: http, port: 80 }]
status:
  loadBalancer:
    ingress: [{ ip: ${address} }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: nginx-1
  namespace: mynamespace
  labels: { kubernetes.io/service-name: nginx }
addressType: IPv4
endpoints:
  - addresses: [10.0.0.1]
    conditions: { ready: ${ready} }
ports: [{ name: http, port: 80 }]
`;
}

/** A configuration with one cluster, whose manifests are in the folder `cluster` beside it. */
export function config(port: number, adminPort: number, more = ''): string {
  return `domain: example.com
nameservers: [{ name: ns1.example.com, addresses: [127.0.0.1] }]
listen: ['127.0.0.1:${port}']
admin: 127.0.0.1:${adminPort}
workers: 1
federations: [{ name: myfederation }]
clusters:
  - { name: one, region: us-central1, zones: [us-central1-a], manifests: ./cluster }
${more}`;
}

export const NGINX = 'nginx.mynamespace.myfederation.svc.example.com';

export interface Process {
  readonly child: ChildProcess;
  /** Standard output and standard error up to now. */
  output(): string;
  /** Resolves when the output matches. */
  until(pattern: RegExp): Promise<void>;
  /** The exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

/** Starts a command; what is left of it is killed when the test ends. */
export function start(test: Test, command: string, args: readonly string[]): Process {
  const child = spawn(...untapped(command, args), { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const watchers = new Set<() => void>();
  const take = (part: Buffer): void => {
    text += part.toString();
    for (const watcher of watchers) watcher();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  // What it still writes must not come into a folder that is being removed.
  test.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const until = (pattern: RegExp): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (!pattern.test(text)) return;
      watchers.delete(look);
      resolve();
    };
    watchers.add(look);
    look();
    void ended.then(() => reject(new Error(`ended without ${String(pattern)}: ${text}`)));
    return promise;
  };
  return { child, output: () => text, until, ended };
}

/** Starts `fedns serve` from source and waits until it takes queries. */
export async function serve(test: Test, file: string): Promise<Process> {
  const running = start(test, process.execPath, [MAIN, 'serve', '--config', file]);
  await running.until(/"msg":"listening"/);
  return running;
}

/** The IPv4 addresses of a name. */
export async function addressesOf(port: number, name: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return (await resolver.resolve4(name)).toSorted();
}

/** The files of one fedns, and its ports. */
export interface Site {
  readonly folder: string;
  readonly file: string;
  readonly port: number;
  readonly adminPort: number;
}

/** A configuration with one cluster of one healthy shard. */
export async function site(test: Test): Promise<Site> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const folder = scratch(test, {
    'fedns.yaml': config(port, adminPort),
    cluster: { 'nginx.yaml': manifest('192.0.2.10') },
  });
  return { folder, file: join(folder, 'fedns.yaml'), port, adminPort };
}

/** Another process gives no signal, so there is nothing but to look again. */
export function lookAgain(): Promise<void> {
  return setTimeout(20);
}
