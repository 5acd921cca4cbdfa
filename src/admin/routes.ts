/** Owns the table of admin paths: those of every part, joined. Sockets and limits belong to server.ts. */

import type { Routes } from './route.ts';
import { DRAIN_ROUTES } from './routes-drains.ts';
import { DRILL_ROUTES } from './routes-drills.ts';
import { GUARD_ROUTES } from './routes-guard.ts';
import { indexRoutes } from './routes-index.ts';
import { JOURNAL_ROUTES } from './routes-journal.ts';
import { openapiRoutes } from './routes-openapi.ts';
import { PAGE_ROUTES } from './routes-page.ts';
import { PROCESS_ROUTES } from './routes-process.ts';
import { VIEW_ROUTES } from './routes-views.ts';

/** Every path of the admin server, in the order in which `/` lists them. */
export const ROUTES: Routes = new Map([
  ...indexRoutes(() => ROUTES),
  ...PROCESS_ROUTES,
  ...VIEW_ROUTES,
  ...JOURNAL_ROUTES,
  ...DRAIN_ROUTES,
  ...DRILL_ROUTES,
  ...GUARD_ROUTES,
  ...openapiRoutes(() => ROUTES),
  ...PAGE_ROUTES,
]);
