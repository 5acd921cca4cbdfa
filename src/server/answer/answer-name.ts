/** Answers for a name of the domain: looks it up, leaves it to whoever knows its kind, and follows static aliases. */
import { Type } from '../../zonebuilder/dns.ts';
import { aliasAt, answerAlias } from './answer-alias.ts';
import { answerCluster, answerService } from './answer-service.ts';
import { answerApex, answerStatic, refer } from './answer-static.ts';
import type { Answering } from './answering.ts';
import { HEADER_OCTETS } from './exchange.ts';
import { find, Kind } from './find.ts';
import { answerNsec, denyLasting, denyUnlessUnread, proveExpansions } from './negative.ts';

/** Static aliases that one reply follows: longer chains are a configuration at fault, and a loop has no end. */
const CHAIN_MAX = 8;

/** Answers for the name of the question; `below` has been set. */
export function answerName(a: Answering): void {
  const { x } = a;
  a.name = x.name;
  a.nameAt = x.base + HEADER_OCTETS;
  x.isAuthoritative = true;
  a.expanded = 0;
  for (let links = 0; links < CHAIN_MAX; links++) if (!answerLink(a)) break;
  // RFC 1034 section 5.3.3 leaves the bound to the server; what was found of the chain is true and goes out.
  if (a.expanded > 0) proveExpansions(a);
}

/** Notes what denials and signatures are about, which look-ups beside the present name would change. */
function note(a: Answering, kind: Kind): void {
  const { found } = a;
  const hasEntry =
    kind === Kind.static || kind === Kind.service || kind === Kind.cluster || kind === Kind.port;
  a.kind = kind;
  a.entry = hasEntry ? found.entry : 0;
  a.ownerAt = a.nameAt;
  a.wildcardLabel = kind === Kind.static && found.isWildcard ? found.wildcardLabel : 0;
  if (a.isSigning && a.wildcardLabel > 0)
    a.expansions[a.expanded++] = a.nameAt + a.name.labels[a.wildcardLabel - 1]!;
}

/** Answers for the present name. Returns whether an alias leads on to another name. */
function answerLink(a: Answering): boolean {
  const { x, found } = a;
  const kind = find(a.view, a.name, a.below, x.type === Type.DS, found);
  if (a.sealing !== undefined) {
    note(a, kind);
    if (x.type === Type.NSEC && kind !== Kind.cut && answerNsec(a)) return false;
  }
  switch (kind) {
    case Kind.service:
    case Kind.port:
      return answerService(a, kind);
    case Kind.cluster:
      return answerCluster(a);
    case Kind.static: {
      const alias = aliasAt(a);
      if (alias === 0) return answerStatic(a, a.apex.nodataTtlSeconds);
      answerAlias(a, alias);
      return false;
    }
    case Kind.cut:
      refer(a);
      return false;
    case Kind.emptyNonTerminal:
      if (a.below === 0) answerApex(a);
      else denyLasting(a);
      return false;
    default:
      denyUnlessUnread(a);
      return false;
  }
}
