/**
 * Owns the command line: commands, options and exit codes. The only place that knows commander. What a command does
 * is in the file of its name.
 */

import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { SERVICE_HEALTHS } from '../admin/services.ts';
import type { AdminTarget } from './admin-client.ts';
import { runCheck } from './check.ts';
import { CLUSTER_OUTPUTS, runClusters } from './clusters.ts';
import type { ClusterOutput } from './clusters.ts';
import { completionScript, SHELLS } from './completion.ts';
import type { CommandShape, OptionShape, Shell } from './completion.ts';
import { DRAIN_KINDS } from '../zonebuilder/drains.ts';
import { DRAIN_OUTPUTS, runDrain, runDrains, runUndrain } from './drains.ts';
import { STEPS } from '../doctor/report.ts';
import type { DrainChoice, DrainOutput } from './drains.ts';
import { DOCTOR_OUTPUTS, type DoctorChoice, type DoctorOutput, runDoctor } from './doctor.ts';
import { runInit, SELECTS, type InitWords } from './init.ts';
import { runJoin, type JoinWords } from './join.ts';
import { runUnjoin } from './unjoin.ts';
import type { UnjoinChoice } from '../federation/members/unjoin.ts';
import { beginDrill, endDrill, runDrills, STEERING_OUTPUTS, type SteeringOutput } from './drills.ts';
import { PLAN_VERBS, type PlanVerb, runPlans, steerPlan } from './plans.ts';
import { CommandError } from './environment.ts';
import type { Environment } from './environment.ts';
import { EXPLAIN_OUTPUTS, NOT_SERVED, runExplain } from './explain.ts';
import type { ExplainOutput } from './explain.ts';
import { GEO_OUTPUTS, runGeo, runGeoMap, runGeoStatus } from './geo.ts';
import type { GeoOutput } from './geo.ts';
import { JOURNAL_OUTPUTS, runJournal } from './journal.ts';
import type { JournalChoice, JournalOutput } from './journal.ts';
import { GUARD_OUTPUTS, runGuard, runGuardRelease } from './guard.ts';
import type { GuardOutput } from './guard.ts';
import {
  KEYS_OUTPUTS,
  KEYS_VERBS,
  type KeysOutput,
  type KeysVerb,
  ROLLABLE,
  type Rollable,
  runKeys,
} from './keys.ts';
import { OUTPUT_ALIASES } from './output.ts';
import type { Output } from './output.ts';
import { RECORD_OUTPUTS, runRecords } from './records.ts';
import type { RecordChoice, RecordOutput } from './records.ts';
import { runService, runServices, SERVICE_OUTPUTS } from './services.ts';
import type { ServiceOutput, ServicesChoice } from './services.ts';
import { runStatus, STATUS_OUTPUTS } from './status.ts';
import type { StatusOutput } from './status.ts';

/** Read when `--config` is not given. */
const DEFAULT_CONFIG = 'fedns.yaml';

/**
 * Runs one command line.
 *
 * @param args - without the program and script names
 * @returns the exit code: 0, 1 for whatever went wrong, or what the command says
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
  addFederate(program, environment, exit);
  addReplace(program, environment);
  addRegistration(program, environment);
  addViews(program, environment, exit);
  addCompletion(program, environment);
  return program;
}

function addServing(program: Command, environment: Environment, exit: (code: number) => void): void {
  configured(program.command('serve').description('serve the configured domain until told to stop')).action(
    async ({ config }: { config: string }) => exit(await environment.serve(config)),
  );
  configured(
    program
      .command('check')
      .description('check the configuration and all that it names as serve does, and bind nothing'),
  )
    .option('--live', 'contact the API servers too, and say which permissions lack')
    .addHelpText('after', '\nExit code 1: something is wrong. Warnings alone leave it 0.')
    .action(async ({ config, live }: { config: string; live?: boolean }) =>
      exit(await runCheck(environment, config, live === true)),
    );
}

function addFederate(program: Command, environment: Environment, exit: (code: number) => void): void {
  const about = 'bring federated objects into the member clusters until told to stop';
  configured(program.command('federate').description(about))
    .option('--confirm', 'have the removals carried out that wait for a word, and end')
    .addHelpText('after', '\nSeveral may run at a time: one is active, by a Lease in the host cluster.')
    .action(async ({ config, confirm = false }: { config: string; confirm?: boolean }) => {
      if (environment.federate === undefined) throw new CommandError('not here');
      exit(await environment.federate(config, { confirm }));
    });
}

function addReplace(program: Command, environment: Environment): void {
  const about = 'have the serving process followed by a new one, without losing a query';
  configured(program.command('replace').description(about))
    .addHelpText(
      'after',
      '\nRun it on the same machine and as the same user. Exit code 1: the process goes on.',
    )
    .action(async ({ config }: { config: string }) => {
      if (environment.replace === undefined) throw new CommandError('not here');
      await environment.out(`${await environment.replace(config)}\n`);
    });
}

function addRegistration(program: Command, environment: Environment): void {
  const kubeconfig = ['--kubeconfig <file>', 'where the contexts are (default as kubectl)'] as const;
  program
    .command('init')
    .description('make a cluster, or an API server without nodes, the host of a federation')
    .argument('<federation>', 'its name, the label F of S.N.F.svc.D')
    .requiredOption('--context <host>', 'the context of the host')
    .requiredOption('--domain <domain>', 'the domain that is served')
    .addOption(
      new Option('--select <which>', 'which objects of the host are federated')
        .choices(SELECTS)
        .default('label'),
    )
    .option(
      '--nameserver <name...>',
      'NAME=ADDRESS,ADDRESS of the delegation (default ns1.DOMAIN, on this machine)',
    )
    .option('--write <file>', 'write the configuration with which serve and federate run outside of the host')
    .option('--deploy', 'run both in the host')
    .option('--image <image>', 'of the Deployments')
    .option(...kubeconfig)
    .option('--dry-run', 'only print the objects, as YAML')
    .action(async (federation: string, words: InitWords) => runInit(environment, federation, words));
  program
    .command('join')
    .description('make a cluster a member of the federation')
    .argument('<name>', 'what it is called: a label of DNS names')
    .requiredOption('--context <member>', 'the context of the cluster')
    .requiredOption('--host-context <host>', 'the context of the host')
    .option('--region <region>', 'its region (default by the labels of its Nodes)')
    .option('--zones <zone,zone>', 'its zones (default by the labels of its Nodes)')
    .option('--server <url>', 'the address by which the host reaches it (default that of its context)')
    .option('--token-for <time>', 'have a token that ends, after 12h or 90d (default one that lasts)')
    .option(...kubeconfig)
    .option('--dry-run', 'write nothing, and print the objects as YAML')
    .action(async (name: string, words: JoinWords) => runJoin(environment, name, words));
  program
    .command('unjoin')
    .description('end the membership of a cluster')
    .argument('<name>', 'what it is called')
    .requiredOption('--context <member>', 'the context of the cluster')
    .requiredOption('--host-context <host>', 'the context of the host')
    .option('--force', 'also where the cluster cannot be reached or is no more')
    .option(...kubeconfig)
    .action(async (name: string, choice: UnjoinChoice) => runUnjoin(environment, name, choice));
}

function addViews(program: Command, environment: Environment, exit: (code: number) => void): void {
  addFederation(program, environment);
  addRecords(program, environment);
  addGeo(program, environment);
  addJournal(program, environment);
  addDrains(program, environment);
  addDrills(program, environment);
  addPlans(program, environment);
  addGuard(program, environment);
  addDoctor(program, environment, exit);
  addKeys(program, environment);
  asking(
    program.command('clusters').description('list the member clusters and how they are'),
    CLUSTER_OUTPUTS,
  ).action(async ({ output, ...target }: Asking<ClusterOutput>) => runClusters(environment, target, output));
  asking(program.command('explain').description('say how a name is answered, and why'), EXPLAIN_OUTPUTS)
    .argument('<name>', 'the name, absolute with or without the trailing dot')
    .argument('[type]', 'the record type', 'A')
    .option('--client <ip>', 'address of the client or resolver that asks')
    .option('--at <time>', 'how it was answered then, by the journal: a time, or so long ago: 30m, 1h, 2d')
    .addHelpText(
      'after',
      `\nExit code ${NOT_SERVED}: the name is not served (NXDOMAIN, REFUSED, SERVFAIL), or of then it is not known.`,
    )
    .action(
      async (
        name: string,
        type: string,
        { client, at, output, ...target }: Asking<ExplainOutput> & { client?: string; at?: string },
      ) => {
        const question = {
          name,
          type,
          output,
          ...(client !== undefined && { client }),
          ...(at !== undefined && { at }),
        };
        exit(await runExplain(environment, target, question));
      },
    );
}

function addKeys(program: Command, environment: Environment): void {
  configured(
    program.command('keys').description('make, list and roll the keys that the domain is signed with'),
  )
    .addArgument(
      new Argument('<verb>', 'what to do; ds: what the registrar is to be given').choices(KEYS_VERBS),
    )
    .addArgument(
      new Argument(
        '[what]',
        'roll: what to begin with; without it, the next step of what is under way',
      ).choices(ROLLABLE),
    )
    .option('--resolver <address>', 'roll: ask the parent for its DS records, found through ADDRESS[:PORT]')
    .option('--ds-published', 'roll: the parent has the DS records that the stage waits for')
    .addOption(outputOption('-o, --output <form>', KEYS_OUTPUTS).default(KEYS_OUTPUTS[0]))
    .action(
      async (
        verb: KeysVerb,
        what: Rollable | undefined,
        options: { config: string; output: KeysOutput; resolver?: string; dsPublished?: boolean },
      ) => runKeys(environment, { verb, what, ...options }),
    );
}

function addDoctor(program: Command, environment: Environment, exit: (code: number) => void): void {
  const about = 'walk through the troubleshooting list against the live system';
  asking(program.command('doctor').description(about), DOCTOR_OUTPUTS)
    .argument('[name]', 'a Service, or a name of one, that is in trouble')
    .option('--resolver <address>', "the resolver to ask, ADDRESS[:PORT] (default the system's)")
    .addOption(new Option('--step <id...>', 'only these steps').choices(STEPS.map(({ id }) => id)))
    .addHelpText('after', '\nExit code 1: something is wrong, or could not be tried.')
    .action(
      async (
        name: string | undefined,
        { output, resolver, step, ...target }: Asking<DoctorOutput> & Pick<DoctorChoice, 'resolver' | 'step'>,
      ) => exit(await runDoctor(environment, target, { output, name, resolver, step })),
    );
}

function addFederation(program: Command, environment: Environment): void {
  asking(
    program
      .command('status')
      .description('say how the federation is, what it answers and how fast it follows'),
    STATUS_OUTPUTS,
  ).action(async ({ output, ...target }: Asking<StatusOutput>) => runStatus(environment, target, output));
  asking(program.command('services').description('find Services, and say how they are'), SERVICE_OUTPUTS)
    .argument('[search...]', 'parts of the name, all of which it has')
    .addOption(new Option('--health <which>', 'which of them').choices(SERVICE_HEALTHS).default('all'))
    .option('--limit <count>', 'how many at most', '100')
    .option('--offset <count>', 'how many to leave out', '0')
    .action(
      async (
        words: readonly string[],
        { output, health, limit, offset, ...target }: Asking<ServiceOutput> & Omit<ServicesChoice, 'search'>,
      ) => {
        const search = words.length > 0 && { search: words.join(' ') };
        await runServices(environment, target, { output, choice: { health, limit, offset, ...search } });
      },
    );
  asking(
    program
      .command('service')
      .description('say who answers for a Service at each place, and from which shards'),
    SERVICE_OUTPUTS,
  )
    .argument('<name>', 'SERVICE.NAMESPACE.FEDERATION, or any name of the Service')
    .action(async (name: string, { output, ...target }: Asking<ServiceOutput>) =>
      runService(environment, target, { output, name }),
    );
}

function addGeo(program: Command, environment: Environment): void {
  const command = program
    .command('geo')
    .description('say where a client is, and where it is sent; without one, how the databases are');
  asking(command, GEO_OUTPUTS)
    .argument('[client]', 'its address; map: all networks, with where their clients are sent first')
    .option('--csv', 'the map as comma-separated values, which is also its default')
    .action(
      async (
        client: string | undefined,
        { output, csv: _csv, ...target }: Asking<GeoOutput> & { csv?: boolean },
      ) => {
        if (client === undefined) await runGeoStatus(environment, target, output);
        else if (client === 'map') await runGeoMap(environment, target, output);
        else await runGeo(environment, target, { client, output });
      },
    );
}

function addDrains(program: Command, environment: Environment): void {
  asking(
    program
      .command('drains')
      .description('list what is drained, until when and why, and whether all serve it'),
    DRAIN_OUTPUTS,
  ).action(async ({ output, ...target }: Asking<DrainOutput>) => runDrains(environment, target, output));
  drainOf(
    program.command('drain').description('take something out of the answers, for a while or until undrain'),
  )
    .option('--for <time>', 'for so long: 90s, 30m, 2h, 1d (default until it is ended)')
    .option('--to <share>', 'leave a share of its weight, such as 10%; for Services with policy weighted')
    .option('--reason <text>', 'why, for whoever reads the list')
    .option('--force', 'also where names lose all of their addresses, or where it does nothing')
    .option('--local', 'with this server alone, though the configuration has drains shared')
    .action(async (kind: string, name: string, options: Asking<DrainOutput> & DrainOptions) => {
      const { target, ...asked } = askedOf(kind, name, options);
      await runDrain(environment, target, asked);
    });
  drainOf(program.command('undrain').description('end the drain of something')).action(
    async (kind: string, name: string, options: Asking<DrainOutput> & DrainOptions) => {
      const { target, ...asked } = askedOf(kind, name, options);
      await runUndrain(environment, target, asked);
    },
  );
}

type DrainOptions = Omit<DrainChoice, 'kind' | 'name'>;

/** What drain and undrain have in common. */
function drainOf(command: Command): Command {
  return changing(asking(command, DRAIN_OUTPUTS))
    .addArgument(new Argument('<what>', 'what kind of thing').choices(DRAIN_KINDS))
    .argument(
      '<name>',
      'CLUSTER, REGION, ZONE or ZONE.REGION, SERVICE.NAMESPACE or SERVICE.NAMESPACE.FEDERATION',
    )
    .option('--cluster <name>', 'of a Service only its shard in this cluster')
    .option('--dry-run', 'only list the names whose answers would change, before and after')
    .option('--wait', 'until every replica serves it and the last answer from before has run out of its TTL');
}

function askedOf(
  kind: string,
  name: string,
  { config, admin, tokenFile, output, ...choice }: Asking<DrainOutput> & DrainOptions,
): { readonly target: AdminTarget; readonly output: DrainOutput; readonly choice: DrainChoice } {
  const target = {
    config,
    ...(admin !== undefined && { admin }),
    ...(tokenFile !== undefined && { tokenFile }),
  };
  return { target, output, choice: { kind, name, ...choice } };
}

function addDrills(program: Command, environment: Environment): void {
  asking(
    program.command('drills').description('list the drills: when each is next, and what came of it last'),
    STEERING_OUTPUTS,
  ).action(async ({ output, ...target }: Asking<SteeringOutput>) => runDrills(environment, target, output));
  changing(asking(program.command('drill').description('begin or stop a drill'), STEERING_OUTPUTS))
    .addArgument(new Argument('<verb>', 'what to do').choices(['run', 'stop']))
    .argument('<name>', 'as the configuration calls it')
    .option('--dry-run', 'only say what would be in the way, and list the names whose answers would change')
    .action(
      async (
        verb: 'run' | 'stop',
        name: string,
        { output, dryRun = false, ...target }: Asking<SteeringOutput> & { dryRun?: boolean },
      ) =>
        verb === 'run'
          ? beginDrill(environment, target, { name, dryRun, output })
          : endDrill(environment, target, { name, output }),
    );
}

function addPlans(program: Command, environment: Environment): void {
  asking(
    program
      .command('plans')
      .description('list the plans and how they stand; one with what its next step would change'),
    STEERING_OUTPUTS,
  )
    .argument('[name]', 'only this one, step by step')
    .action(async (name: string | undefined, { output, ...target }: Asking<SteeringOutput>) =>
      runPlans(environment, target, { name, output }),
    );
  changing(asking(program.command('plan').description('go through a plan step by step'), STEERING_OUTPUTS))
    .addArgument(new Argument('<verb>', 'what to do').choices(Object.keys(PLAN_VERBS)))
    .argument('<name>', 'as the configuration calls it')
    .option('--step <number>', 'approve: only if this step waits', parseStep)
    .option('--dry-run', 'run: only show what the first step would change')
    .action(
      async (
        verb: PlanVerb,
        name: string,
        { output, step, dryRun, ...target }: Asking<SteeringOutput> & { step?: number; dryRun?: boolean },
      ) =>
        steerPlan(environment, target, verb, {
          name,
          output,
          ...(verb === 'approve' && step !== undefined && { step }),
          ...(verb === 'run' && dryRun === true && { dryRun }),
        }),
    );
}

function parseStep(text: string): number {
  if (!/^[1-9][0-9]{0,2}$/.test(text)) throw new InvalidArgumentError('A step is a number from 1.');
  return Number(text);
}

function addJournal(program: Command, environment: Environment): void {
  const command = program
    .command('journal')
    .description('list what happened: every change of an answer, and why');
  asking(command, JOURNAL_OUTPUTS)
    .option(
      '--since <time>',
      'only from then on: a time, or so long ago: 30m, 1h, 2d (default 1h, with --last any time)',
    )
    .option('--until <time>', 'only up to then')
    .option(
      '--name <name>',
      'only what concerns this name: any of a Service, its SERVICE.NAMESPACE.FEDERATION, or of a record',
    )
    .option('--cluster <name>', 'only what this cluster has a part in')
    .option('-n, --last <count>', 'only the newest so many entries')
    .option('-f, --follow', 'go on with what comes, until interrupted')
    .addHelpText(
      'after',
      '\nTimes are in UTC. Where no fedns runs, the stateDir of the configuration is read.',
    )
    .action(async ({ config, admin, output, ...choice }: Asking<JournalOutput> & JournalChoice) => {
      const target = { config, ...(admin !== undefined && { admin }) };
      await runJournal(environment, target, { output, choice });
    });
}

function addGuard(program: Command, environment: Environment): void {
  const command = program
    .command('guard')
    .description('list what the guard withholds, or let go of it')
    .addArgument(new Argument('[action]', 'release lets go').choices(['release']))
    .argument('[id]', 'of what is let go; without it everything is');
  changing(asking(command, GUARD_OUTPUTS)).action(
    async (
      action: 'release' | undefined,
      id: string | undefined,
      { output, ...target }: Asking<GuardOutput>,
    ) =>
      action === undefined
        ? runGuard(environment, target, output)
        : runGuardRelease(environment, target, { id, output }),
  );
}

function addRecords(program: Command, environment: Environment): void {
  const command = program.command('records').description('list the records that the running fedns serves');
  asking(command, RECORD_OUTPUTS)
    .addOption(outputOption('--format <form>', RECORD_OUTPUTS).hideHelp())
    .option('--federation <name>', 'only Services of this federation')
    .option('--namespace <name>', 'only Services of this namespace')
    .option('--service <name>', 'only Services of this name')
    .option('--name <name>', 'only this name; *.NAME for all below NAME too')
    .option('--type <type>', 'only records of this type, or of several: A,AAAA')
    .option('--digest', 'in place of the records a digest of them all but the SOA, their number, the serial')
    .action(async (options: Asking<RecordOutput> & RecordChoice & RecordForm) => {
      const { config, admin, output, format, digest: isDigest = false, ...choice } = options;
      const target = { config, ...(admin !== undefined && { admin }) };
      await runRecords(environment, target, { output: format ?? output, choice, isDigest });
    });
}

interface RecordForm {
  readonly format?: RecordOutput;
  readonly digest?: boolean;
}

function addCompletion(program: Command, environment: Environment): void {
  program
    .command('completion')
    .description('print what a shell needs to complete commands, to be sourced by it')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action(async (shell: Shell) => environment.out(completionScript(shell, program.commands.map(shapeOf))));
}

/** What every command has that asks a running server. */
interface Asking<Form extends Output> extends AdminTarget {
  readonly output: Form;
}

function configured(command: Command): Command {
  return command.option('-c, --config <file>', 'configuration file', DEFAULT_CONFIG);
}

/** @param outputs - the first is the default */
function asking(command: Command, outputs: readonly Output[]): Command {
  return configured(command)
    .option('--admin <url>', 'admin address of the running fedns, instead of the one in the configuration')
    .addOption(outputOption('-o, --output <form>', outputs).default(outputs[0]));
}

/** For commands that change something. */
function changing(command: Command): Command {
  return command.option('--token-file <file>', 'file with the admin token (default that of the stateDir)');
}

function outputOption(flags: string, outputs: readonly Output[]): Option {
  return new Option(flags, 'form of the output').choices(outputs).argParser((text: string) => {
    const output = OUTPUT_ALIASES[text] ?? text;
    if (!outputs.some((known) => known === output))
      throw new InvalidArgumentError(`Allowed choices are ${outputs.join(', ')}.`);
    return output;
  });
}

/** A command as completion.ts describes it. */
function shapeOf(command: Command): CommandShape {
  return {
    name: command.name(),
    about: command.description(),
    options: command.options.filter(({ hidden }) => !hidden).map(optionShape),
    words: command.registeredArguments[0]?.argChoices ?? [],
  };
}

function optionShape(option: Option): OptionShape {
  const flags = [option.long, option.short].filter((flag) => flag !== undefined && flag !== null);
  const takesFile = option.flags.includes('<file>');
  const value = !option.required ? 'none' : (option.argChoices ?? (takesFile ? 'file' : 'any'));
  return { flags, about: option.description, value };
}
