#!/usr/bin/env node
/**
 * The entry of the `fedns` command. It must start on any Node that a machine may have, so it uses plain syntax and
 * imports nothing before the version is known. The commands: cli/program.ts; what they need: process/environment.ts.
 */

/** The oldest major version that fedns runs on. */
const NODE_MAJOR_MIN = 24;

if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN) {
  const { letServerGoFirst } = await import('./process/command-priority.ts');
  letServerGoFirst(process.argv[2]);
  const { runCommandLine } = await import('./process/command-line.ts');
  await runCommandLine(process.argv.slice(2));
} else {
  const { runWithShippedNode } = await import('./process/shipped-node.ts');
  runWithShippedNode(NODE_MAJOR_MIN);
}
