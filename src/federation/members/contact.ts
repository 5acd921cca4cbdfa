/**
 * An API server that an operator's kubeconfig leads to, spoken to with the operator's own credentials, as kubectl does. Which
 * files are looked into is as with kubectl: `--kubeconfig`, else those of KUBECONFIG, else ~/.kube/config.
 */

import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import type { Clock } from '../../log.ts';
import type { Timers } from '../../timers.ts';
import { ApiClient } from '../../watchers/api/api-client.ts';
import { readServerUid } from '../../watchers/api/server-identity.ts';
import { asApiError } from '../../watchers/api-error.ts';
import { type ClusterAccess, CredentialError } from '../../watchers/credentials/cluster-access.ts';
import { type ApiAccess, Credentials } from '../../watchers/credentials/credentials.ts';
import { decodeKubeconfig } from '../../watchers/credentials/kubeconfig-document.ts';
import { readKubeconfig } from '../../watchers/credentials/kubeconfig.ts';
import { ObjectClient } from '../api/object-client.ts';
import { FederationError } from './federation-error.ts';
import { type KubeconfigFile, mergeKubeconfigs } from './merged-kubeconfig.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What commands of registration are handed from outside. */
export interface World {
  readonly env: Environment;
  readonly timers: Timers;
  readonly clock: Clock;
  /** Of this machine, such as others know it by. */
  readonly addresses: () => readonly string[];
  /** Tells people what was done, a line at a time, without its end. */
  readonly say: (line: string) => void;
}

export interface Contact {
  /** As the messages call it: a context, or a cluster. */
  readonly name: string;
  readonly access: ClusterAccess;
  readonly objects: ObjectClient;
  readonly client: ApiClient;
  /** What is in use at the moment, with certificates read from their files. @throws ApiError */
  current(): Promise<ApiAccess>;
  close(): void;
}

/** The files in which contexts are looked for, taken together as kubectl takes them. */
export function kubeconfigFiles(file: string | undefined, env: Environment): string[] {
  if (file !== undefined) return [file];
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return listed.length > 0 ? listed : [join(env['HOME'] ?? '', '.kube', 'config')];
}

/** @throws FederationError `CONTEXT_UNUSABLE` */
export async function openContext(context: string, files: readonly string[], world: World): Promise<Contact> {
  const access = await findContext(context, files);
  return openContact(context, access, world);
}

/** Speaks to a server by an access that was found elsewhere. */
export function openContact(name: string, access: ClusterAccess, { env, timers, clock }: World): Contact {
  const credentials = new Credentials({ load: async () => access, timers, clock, env });
  const client = new ApiClient({ credentials, timers, userAgent: 'fedns' });
  const stopped = new AbortController();
  return {
    name,
    access,
    client,
    objects: new ObjectClient({ client, signal: stopped.signal }),
    current: () => credentials.current(),
    close() {
      stopped.abort();
      client.close();
      credentials.close();
    },
  };
}

/** Who the server is. @throws ApiError where it cannot be asked */
export function uidOf({ client }: Pick<Contact, 'client'>): Promise<string> {
  return readServerUid(client, new AbortController().signal);
}

async function findContext(context: string, files: readonly string[]): Promise<ClusterAccess> {
  try {
    const found = await readFiles(files);
    const [first] = found as [KubeconfigFile, ...KubeconfigFile[]];
    const text = found.length === 1 ? first.text : mergeKubeconfigs(found);
    // The operator's own file may do what it may with kubectl.
    const rules = { directory: dirname(first.path), allowInsecure: true, exec: 'any' } as const;
    return await readKubeconfig(text, context, rules);
  } catch (error) {
    const message = `context ${context}: ${files.join(', ')}: ${messageOf(error)}`;
    throw new FederationError('CONTEXT_UNUSABLE', message);
  }
}

/** As kubectl does, files of a list that are not there are passed over, as long as there is one. */
async function readFiles(files: readonly string[]): Promise<readonly KubeconfigFile[]> {
  const found: KubeconfigFile[] = [];
  let missing: unknown;
  for (const path of files) {
    try {
      found.push({ path, text: decodeKubeconfig(await readFile(path)) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      missing = error;
    }
  }
  if (found.length === 0) throw missing;
  return found;
}

function messageOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof CredentialError || code === undefined
    ? (error as Error).message
    : `cannot be read: ${code}`;
}

/** What a server that could not be asked is told of with. */
export function unreachable(
  code: 'HOST_UNREACHABLE' | 'MEMBER_UNREACHABLE',
  name: string,
  error: unknown,
): FederationError {
  return new FederationError(code, `${name}: ${asApiError(error, 'UNREACHABLE').message}`);
}
