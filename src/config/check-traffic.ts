/** Checks of what concerns clients and their traffic: files that exist, listeners of DNS over TLS, where dnstap messages go. */
import { checkFile, type LookAtFile } from './check-clusters.ts';
import { sameSocket } from './check-server.ts';
import type { Report } from './fault.ts';
import type { ConfigDraft } from './schema.ts';
import { formatListen } from './values.ts';

/** Octets of a path that the kernel takes for a Unix socket, without the zero behind it (unix(7)); fewer on other systems. */
const SOCKET_PATH_OCTETS_MAX = 107;

/** Checks cookies, tcp, tls and dnstap. */
export function checkTraffic(config: ConfigDraft, report: Report, lookAt: LookAtFile): void {
  const { cookies, tls } = config;
  if (cookies?.secretFile !== undefined) {
    checkFile(cookies.secretFile, ['cookies', 'secretFile'], report, lookAt);
  }
  checkDnstap(config, report);
  if (!tls) return;
  checkFile(tls.certificate, ['tls', 'certificate'], report, lookAt);
  checkFile(tls.key, ['tls', 'key'], report, lookAt);
  checkTlsListen(config, report);
}

function checkTlsListen({ listen = [], admin, tls }: ConfigDraft, report: Report): void {
  const taken = [...listen, ...(admin ? [admin] : [])].filter(({ port }) => port !== 0);
  tls?.listen.forEach((entry, i) => {
    if (!taken.some((other) => sameSocket(other, entry))) return;
    const message = `${formatListen(entry)} is listened on for something else already`;
    report('DUPLICATE_LISTEN', ['tls', 'listen', i], message, 'choose another port, as a rule 853');
  });
}

function checkDnstap({ dnstap }: ConfigDraft, report: Report): void {
  if (dnstap === undefined) return;
  const { socket, tcp, file } = dnstap;
  const given = Object.entries({ socket, tcp, file }).filter(([, value]) => value !== undefined);
  if (given.length === 0) {
    const message = 'dnstap does not say where messages go';
    report(
      'MISSING_KEY',
      ['dnstap', 'socket'],
      message,
      'add one of socket: PATH, tcp: ADDRESS:PORT, file: PATH',
    );
  } else if (given.length > 1) {
    const message = `messages go to one place, and ${given.map(([key]) => key).join(' and ')} are given`;
    report('SEVERAL_DESTINATIONS', ['dnstap', given[1]![0]], message, 'keep one of them');
  }
  if (socket !== undefined && Buffer.byteLength(socket) > SOCKET_PATH_OCTETS_MAX) {
    const message = `a path of a socket has at most ${SOCKET_PATH_OCTETS_MAX} octets`;
    report(
      'SOCKET_PATH_TOO_LONG',
      ['dnstap', 'socket'],
      message,
      'choose a shorter one, such as /run/dnstap.sock',
    );
  }
}
