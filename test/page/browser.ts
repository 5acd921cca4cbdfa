/** A real Chromium for the tests of the page, which notes whatever should not have happened in it. */

import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { Test } from 'tap';
import { needCommand } from '../support/commands.ts';

/** Nothing that Chromium does for itself, such as looking for updates, is wanted here. */
const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Longest that a test waits for what it expects to see, in milliseconds: where others have the machine, everything takes its time. */
const PATIENCE_MS = 120_000;

/** Starts a browser that ends with the test. As root it has no sandbox. */
export async function startBrowser(test: Test): Promise<Browser> {
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({
    executablePath: needCommand('chromium'),
    args: [...QUIET, ...sandbox],
  });
  test.teardown(() => browser.close());
  return browser;
}

/** A page that is open, and what went wrong in it. */
export interface OpenPage {
  readonly page: Page;
  /** Errors of the console, exceptions, breaches of the policy, requests to elsewhere. */
  readonly faults: readonly string[];
}

export interface PageOptions {
  readonly base: string;
  /** What stands behind `#`. */
  readonly hash?: string;
  readonly colorScheme?: 'light' | 'dark';
  readonly width?: number;
  /** Lets a test bring scripts of its own. */
  readonly bypassCSP?: boolean;
}

/** Opens the page in a browser of its own kind: nothing is kept from one to the next. */
export async function openPage(browser: Browser, options: PageOptions): Promise<OpenPage> {
  const { base, hash = '/', colorScheme = 'light', width = 1280, bypassCSP = false } = options;
  const context = await browser.newContext({
    colorScheme,
    bypassCSP,
    viewport: { width, height: 900 },
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(`console: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${base}/`)) faults.push(`to elsewhere: ${request.url()}`);
  });
  await page.goto(`${base}/#${hash}`);
  return { page, faults };
}

/** Keeps a picture of what a test saw, for whoever wants to look: `FEDNS_PICTURES=FOLDER`. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['FEDNS_PICTURES'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
