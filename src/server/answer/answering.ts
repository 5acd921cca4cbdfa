/**
 * One answer in the making: the exchange, the image that it is made from, and the name that is being looked up, which
 * is the one asked for until an alias leads to another. Reused for every query of a responder.
 */
import type { Apex } from '../../zonebuilder/apex.ts';
import { RECORD_HEADER_OCTETS } from '../../zonebuilder/layout.ts';
import { compileNetworks, containsAddress, type NetworkSet } from '../policy/access.ts';
import type { ClientPlace } from './client-place.ts';
import { isAnswered } from './compose.ts';
import { Exchange } from './exchange.ts';
import { Found, Kind } from './find.ts';
import type { ImageView } from './image-view.ts';
import { labelsBelow, Name, readName } from './name.ts';
import type { Sealing } from './sealing.ts';
import { WeightedTurns } from './weighted-turns.ts';
import { canPointAt } from './write.ts';

/** Wildcards that one reply is made of: as many as it follows aliases. */
export const EXPANSIONS_MAX = 8;

const NO_NETWORKS = compileNetworks([]);

export class Answering {
  readonly x = new Exchange();
  /** What the present name stands for. */
  readonly found = new Found();
  /** The name behind an alias, and that of a record's target. */
  readonly aliased = new Name();
  readonly target = new Name();
  /** Where a look-up beside the present one leaves what it found. */
  readonly aside = new Found();
  view!: ImageView;
  apex!: Apex;
  /** The domain's lower-case wire form, and its labels without the root. */
  domain!: DataView;
  domainLabels = 0;
  /** The present name, its position in the reply, and its labels below the domain. */
  name: Name = this.x.name;
  nameAt = 0;
  below = 0;
  /** What the present name is, and its entry in the static table, 0 for none; look-ups beside it change neither. */
  kind: Kind = Kind.nxdomain;
  entry = 0;
  /** Where the owner of what comes next stands: the present name, or a level above that an alias led to. */
  ownerAt = 0;
  /** The label of the present name that the wildcard stands before, 0 where none is expanded. */
  wildcardLabel = 0;
  /** What replies are signed with; undefined: the domain is not signed. */
  sealing: Sealing | undefined;
  /** Whether this reply is signed. */
  isSigning = false;
  /** Where the next closer names stand that wildcards were expanded for. */
  readonly expansions = new Int32Array(EXPANSIONS_MAX);
  expanded = 0;
  /** Where clients are; undefined: nobody is known. */
  geo: ClientPlace | undefined;
  /** Resolvers whose client subnets are believed. */
  trust: NetworkSet = NO_NETWORKS;
  readonly turns: WeightedTurns;
  /** Where the extras of the Service stand, 0 where it has none. */
  extras = 0;
  /** What was chosen of a Service: level or cluster entries, 0 for a family without addresses. */
  placeV4 = 0;
  placeV6 = 0;
  /** The global name means something else to another client, or in another reply. */
  isTailored = false;

  /** @param seed - differs from worker to worker */
  constructor(view: ImageView, apex: Apex, seed = 0) {
    this.turns = new WeightedTurns(seed);
    this.adopt(view, apex);
  }

  /** Whether the client is a resolver whose word on its own clients counts. */
  isTrusted(): boolean {
    const { trust, x } = this;
    return trust.count > 0 && containsAddress(trust, x.client, x.clientStart, x.clientLength);
  }

  /** Switches to another image, or domain. */
  adopt(view: ImageView, apex: Apex): void {
    const { buffer, byteOffset, length } = apex.domain;
    this.view = view;
    this.apex = apex;
    this.domain = new DataView(buffer, byteOffset, length);
    readName(this.target, this.domain, 0, length);
    this.domainLabels = this.target.count;
  }
}

/**
 * Takes the target of the alias at `start` as the next name; false when it lies outside the domain, or has been
 * answered: records that lead through Services can close a circle that no check of the configuration sees.
 */
export function follow(a: Answering, start: number): boolean {
  const { x } = a;
  const target = start + 2 + RECORD_HEADER_OCTETS;
  if (!canPointAt(x, target)) return false;
  readName(a.aliased, x.replyData, target, x.at);
  a.name = a.aliased;
  a.nameAt = target;
  a.below = labelsBelow(a.name, a.domain, a.domainLabels);
  return a.below >= 0 && !isAnswered(x, a.name);
}

/** Where the domain's name stands at the end of the present name. */
export function domainAt(a: Answering): number {
  return a.nameAt + a.name.labels[a.below]!;
}
