/** The token by which fedns is known in a cluster: of a Secret that the cluster fills in, or one that ends, asked for. */

import { pause } from '../../timers.ts';
import { CONNECTION_CODES } from '../../watchers/api/api-client.ts';
import { asApiError } from '../../watchers/api-error.ts';
import type { ClusterAccess } from '../../watchers/credentials/cluster-access.ts';
import type { KubeObject, ObjectRef } from '../api/object.ts';
import { uidOf, openContact, type Contact, type World } from './contact.ts';
import { FederationError } from './federation-error.ts';
import type { ServerAddress } from './kubeconfig-text.ts';
import { NAMESPACE, TYPES } from './types.ts';
import { refusal } from './undertaking.ts';

/** A controller fills a Secret within a second; one that does not within this time does not run. */
const TOKEN_MS_MAX = 30_000;
/** A new account's permissions reach every API server within a moment. */
const TAKEN_MS_MAX = 10_000;
const ASK_AGAIN_MS = 200;
/** A bound token is asked for anew when less than this part of its time is left. */
const RENEW_PART = 1 / 3;

/** Waits until the cluster has put a token into the Secret. @throws FederationError `NO_TOKEN` */
export async function secretToken(contact: Contact, secret: string, world: World): Promise<string> {
  const ref: ObjectRef = { type: TYPES.secret, namespace: NAMESPACE, name: secret };
  return patiently(world, TOKEN_MS_MAX, async () => {
    const found = await contact.objects.get(ref);
    if (!found.ok) throw refusal(contact, ref, found.failure);
    const token = dataOf(found.value, 'token');
    if (token !== undefined) return token;
    throw new FederationError(
      'NO_TOKEN',
      `${contact.name}: the cluster has put no token into Secret ${NAMESPACE}/${secret} within ${TOKEN_MS_MAX / 1000} s: does its kube-controller-manager run?`,
    );
  });
}

/** Asks for a token that ends. @param seconds - that it is to last; the server may give another time */
export async function boundToken(contact: Contact, account: string, seconds: number): Promise<string> {
  const ref: ObjectRef = { type: TYPES.serviceAccount, namespace: NAMESPACE, name: account };
  const request = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { expirationSeconds: seconds },
  };
  const made = await contact.objects.post(ref, 'token', request);
  if (!made.ok) throw refusal(contact, ref, made.failure);
  const token = (made.value['status'] as { readonly token?: unknown } | undefined)?.token;
  if (typeof token === 'string' && token !== '') return token;
  throw new FederationError('NO_TOKEN', `${contact.name}: the cluster gave no token for ${account}`);
}

/** Whether a token that ends has enough of its time left to be used on. */
export function isFresh(token: string, nowMs: number): boolean {
  const { iat, exp } = claimsOf(token);
  if (typeof iat !== 'number' || typeof exp !== 'number') return false;
  return (exp - nowMs / 1000) / (exp - iat) > RENEW_PART;
}

/** In milliseconds since the epoch; undefined: it does not end, or does not say. */
export function endOf(token: string): number | undefined {
  const { exp } = claimsOf(token);
  return typeof exp === 'number' ? exp * 1000 : undefined;
}

function claimsOf(token: string): { readonly iat?: unknown; readonly exp?: unknown } {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    return JSON.parse(payload) as object;
  } catch {
    return {};
  }
}

export interface TokenTrial {
  /** Of the cluster. */
  readonly name: string;
  readonly uid: string;
  readonly address: ServerAddress;
  /** The address is one for the host, which from here may be out of reach. */
  readonly isAddressGiven: boolean;
}

/**
 * Tries a token where fedns will use it, and that it leads to the same cluster.
 *
 * @returns what came of it, for people
 * @throws FederationError `NO_TOKEN` or `OTHER_CLUSTER`
 */
export async function tryToken(trial: TokenTrial, token: string, world: World): Promise<string> {
  const { name, uid, address, isAddressGiven } = trial;
  const where = address.server.host;
  const contact = openContact(name, accessBy(address, token), world);
  try {
    const found = await patiently(world, TAKEN_MS_MAX, () => uidOf(contact));
    if (found === uid) return `works at ${where}`;
    throw new FederationError('OTHER_CLUSTER', `${name}: another cluster answers at ${address.server.href}`);
  } catch (error) {
    if (error instanceof FederationError) throw error;
    const { code, message } = asApiError(error, 'UNREACHABLE');
    if (isAddressGiven && CONNECTION_CODES.has(code))
      return `could not be tried, for ${where} is not reached from here`;
    throw new FederationError('NO_TOKEN', `${name}: ${where} with the new token: ${message}`);
  } finally {
    contact.close();
  }
}

function accessBy({ ca, ...address }: ServerAddress, token: string): ClusterAccess {
  return {
    ...address,
    insecure: false,
    token: { kind: 'text', text: token },
    ...(ca !== undefined && { ca: { kind: 'text', text: ca } }),
  };
}

/** Asks again until it works, or for so long. @throws the last error */
async function patiently<T>({ timers }: World, ms: number, ask: () => Promise<T>): Promise<T> {
  const endMs = timers.now() + ms;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (timers.now() >= endMs) throw error;
    }
    await pause(timers, ASK_AGAIN_MS);
  }
}

/** A text of a Secret; undefined where it is not there or empty. */
export function dataOf(secret: KubeObject, key: string): string | undefined {
  const value = (secret['data'] as Readonly<Record<string, unknown>> | undefined)?.[key];
  return typeof value === 'string' && value !== ''
    ? Buffer.from(value, 'base64').toString('utf8')
    : undefined;
}
