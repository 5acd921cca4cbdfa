/** Owns `fedns init`: what its words mean. What it makes is in src/federation/members. */

import { parseAddressText, parseDomainName } from '../config/values.ts';
import type { Nameserver } from '../federation/members/configuration.ts';
import { CommandError, type Environment } from './environment.ts';
import { registering } from './registration.ts';

export const SELECTS = ['label', 'all'] as const;

export interface InitWords {
  readonly context: string;
  readonly domain: string;
  readonly select: (typeof SELECTS)[number];
  readonly kubeconfig?: string;
  readonly nameserver?: readonly string[];
  readonly write?: string;
  readonly deploy?: boolean;
  readonly image?: string;
  readonly dryRun?: boolean;
}

export async function runInit(environment: Environment, federation: string, words: InitWords): Promise<void> {
  const { nameserver = [], deploy = false, image, domain, ...same } = words;
  if (deploy && image === undefined)
    throw new CommandError('--deploy needs --image, the image that you have made of the npm package');
  if (deploy && nameserver.length === 0)
    throw new CommandError(
      '--deploy needs --nameserver, with the addresses at which the Service fedns will be',
    );
  if (!deploy && image !== undefined) throw new CommandError('--image is of --deploy');
  const name = read('--domain', domain, parseDomainName);
  await registering(environment, (registration) =>
    registration.init(federation, {
      ...same,
      domain: name,
      nameservers: nameserver.map(parseNameserver),
      ...(image !== undefined && { image }),
    }),
  );
}

/** `NAME` or `NAME=ADDRESS,ADDRESS`. */
function parseNameserver(text: string): Nameserver {
  const [name = '', addresses = ''] = text.split('=', 2);
  return {
    name: read('--nameserver', name, parseDomainName),
    addresses: addresses
      .split(',')
      .filter((address) => address !== '')
      .map((address) => read('--nameserver', address, parseAddressText)),
  };
}

function read(option: string, text: string, parse: (text: string) => string): string {
  try {
    return parse(text);
  } catch (error) {
    throw new CommandError(`${option} ${text}: ${(error as Error).message}`);
  }
}
