import t, { test } from 'tap';
import { needCommand } from '../support/commands.ts';
import { freePort, start } from '../process/serving.ts';
import { compareAll, compareForms, DOMAIN, startDemo } from './demo.ts';

/** Hundreds of runs of dig, in milliseconds. */
const MS_MAX = 180_000;
t.setTimeout(MS_MAX);

test('dnsmasq as kube-dns runs it, with a stub domain', { timeout: MS_MAX }, async (tt) => {
  const demo = await startDemo(tt);
  const port = await freePort();
  // The arguments of the dnsmasq container of kube-dns, and what keeps it off this machine's own files.
  const kubeDns = ['-k', '--cache-size=1000', '--no-negcache', '--dns-loop-detect', '--log-facility=-'];
  const apart = [
    '--no-resolv',
    '--no-hosts',
    '--conf-file=/dev/null',
    '--pid-file=',
    '--user=',
    '--bind-interfaces',
  ];
  const at = ['--listen-address=127.0.0.1', `--port=${port}`, `--server=/${DOMAIN}/127.0.0.1#${demo.port}`];
  const dnsmasq = start(tt, needCommand('dnsmasq'), [...kubeDns, ...apart, ...at]);
  await dnsmasq.until(/started, version/);
  compareAll(tt, demo, port);
  compareForms(tt, demo, port);
});
