/**
 * Which folder of `src` may import which: the layers of ARCHITECTURE.md, held by `npm run check` (oxlint.config.ts makes its rules
 * of this table, for values, types and dynamic imports alike).
 *
 * A name stands for the files directly in that folder, or for one file at the root of `src`. A folder may always import
 * its own files. Whatever is not listed is refused, so a new folder starts with a row here. A row may name only rows above
 * it: then no two folders can import each other, however long the way round.
 */
export const IMPORTS = {
  log: [],
  timers: [],
  jobs: ['log', 'timers'],
  logging: ['log'],

  zonebuilder: [],
  geo: [],
  config: ['zonebuilder', 'geo', 'jobs'],

  steering: ['zonebuilder', 'log', 'timers', 'jobs'],

  watchers: ['log', 'timers'],
  'watchers/credentials': ['watchers', 'config', 'log', 'timers'],
  'watchers/api': ['watchers', 'watchers/credentials', 'log', 'timers'],
  'watchers/hostnames': ['watchers', 'zonebuilder', 'log', 'timers'],
  'watchers/objects': ['watchers', 'watchers/hostnames', 'zonebuilder', 'config', 'log', 'timers'],
  'watchers/health': ['watchers', 'watchers/api', 'zonebuilder', 'log', 'timers'],
  'watchers/manifests': ['watchers', 'watchers/health', 'watchers/objects', 'zonebuilder', 'log', 'timers'],
  'watchers/kubernetes': [
    'watchers',
    'watchers/api',
    'watchers/credentials',
    'watchers/health',
    'watchers/hostnames',
    'watchers/objects',
    'zonebuilder',
    'config',
    'log',
    'timers',
  ],

  'server/policy': ['zonebuilder', 'config'],
  server: ['server/policy', 'zonebuilder', 'config'],
  'server/linux': [],
  'server/answer': ['server', 'server/policy', 'zonebuilder', 'geo'],
  'server/udp': ['server', 'server/linux', 'config'],
  'server/tcp': ['server', 'config'],
  'server/workers': [
    'server',
    'server/answer',
    'server/linux',
    'server/tcp',
    'server/udp',
    'zonebuilder',
    'config',
    'log',
  ],

  'steering/drills': ['zonebuilder', 'config', 'log', 'timers'],

  state: ['zonebuilder', 'jobs'],
  journal: ['state', 'zonebuilder', 'log', 'timers'],
  admin: ['journal', 'watchers', 'server', 'zonebuilder', 'config', 'log'],
  cli: ['admin', 'journal', 'zonebuilder', 'config'],

  'serve/geo': ['server/answer', 'admin', 'geo', 'zonebuilder', 'config', 'jobs', 'log', 'timers'],
  serve: [
    'serve/geo',
    'watchers',
    'watchers/credentials',
    'watchers/health',
    'watchers/hostnames',
    'watchers/manifests',
    'watchers/kubernetes',
    'server',
    'server/linux',
    'server/policy',
    'server/workers',
    'state',
    'journal',
    'admin',
    'zonebuilder',
    'config',
    'jobs',
    'log',
    'timers',
  ],
  inspect: [
    'watchers',
    'watchers/api',
    'watchers/credentials',
    'watchers/kubernetes',
    'watchers/manifests',
    'server/policy',
    'server/tcp',
    'state',
    'zonebuilder',
    'config',
    'log',
    'timers',
  ],
  process: [
    'serve',
    'serve/geo',
    'cli',
    'inspect',
    'server/workers',
    'state',
    'config',
    'jobs',
    'logging',
    'log',
  ],
  main: ['process'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
