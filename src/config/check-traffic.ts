/** Checks of what concerns clients and their traffic: files that exist, listeners of DNS over TLS. */
import { checkFile, type LookAtFile } from './check-clusters.ts';
import { sameSocket } from './check-server.ts';
import type { Report } from './fault.ts';
import type { ConfigDraft } from './schema.ts';
import { formatListen } from './values.ts';

/** Checks cookies, tcp and tls. */
export function checkTraffic(config: ConfigDraft, report: Report, lookAt: LookAtFile): void {
  const { cookies, tls } = config;
  if (cookies?.secretFile !== undefined) {
    checkFile(cookies.secretFile, ['cookies', 'secretFile'], report, lookAt);
  }
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
