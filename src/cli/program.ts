/**
 * Owns the command line: commands, options and exit codes. The only place that knows commander. What a command does
 * is in the file of its name.
 */

import { Command, CommanderError, Option } from 'commander';
import { runCheck } from './check.ts';
import { CLUSTER_FORMATS, runClusters } from './clusters.ts';
import type { ClusterFormat } from './clusters.ts';
import { CommandError } from './environment.ts';
import type { Environment } from './environment.ts';
import { runExplain } from './explain.ts';
import { RECORD_FORMATS, runRecords } from './records.ts';
import type { RecordFormat } from './records.ts';

/** Read when `--config` is not given. */
const DEFAULT_CONFIG = 'fedns.yaml';

/**
 * Runs one command line.
 *
 * @param args - without the program and script names
 * @returns the exit code: 0, or 1 for whatever went wrong
 */
export async function runProgram(args: readonly string[], environment: Environment): Promise<number> {
  let code = 0;
  const program = buildProgram(environment, (next) => {
    code = next;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 1;
    if (!(error instanceof CommandError)) throw error;
    environment.err(`fedns: ${error.message}\n`);
    return 1;
  }
  return code;
}

function buildProgram(environment: Environment, exit: (code: number) => void): Command {
  const program = new Command('fedns')
    .description('Authoritative DNS server for Services that run in several Kubernetes clusters')
    .version(environment.version, '-V, --version')
    .configureOutput({ writeOut: environment.out, writeErr: environment.err })
    .exitOverride();
  addServing(program, environment, exit);
  addViews(program, environment);
  return program;
}

function addServing(program: Command, environment: Environment, exit: (code: number) => void): void {
  command(program, 'serve', 'serve the configured domain until told to stop').action(
    async ({ config }: { config: string }) => exit(await environment.serve(config)),
  );
  command(program, 'check', 'check the configuration as serve does, and bind nothing').action(
    async ({ config }: { config: string }) => exit(await runCheck(environment, config)),
  );
}

function addViews(program: Command, environment: Environment): void {
  command(program, 'records', 'list the records that the running fedns serves')
    .addOption(
      new Option('--format <format>', 'form of the listing').choices(RECORD_FORMATS).default('table'),
    )
    .action(async ({ config, format }: { config: string; format: RecordFormat }) =>
      runRecords(environment, config, format),
    );
  command(program, 'clusters', 'list the member clusters and how they are')
    .addOption(new Option('-o, --output <format>', 'columns').choices(CLUSTER_FORMATS).default('short'))
    .action(async ({ config, output }: { config: string; output: ClusterFormat }) =>
      runClusters(environment, config, output),
    );
  command(program, 'explain', 'say how a name is answered, and why')
    .argument('<name>', 'the name, absolute with or without the trailing dot')
    .argument('[type]', 'the record type', 'A')
    .option('--client <ip>', 'address of the client or resolver that asks')
    .action(async (name: string, type: string, { config, client }: { config: string; client?: string }) =>
      runExplain(environment, config, { name, type, ...(client !== undefined && { client }) }),
    );
}

function command(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('-c, --config <file>', 'configuration file', DEFAULT_CONFIG);
}
