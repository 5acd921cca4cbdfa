/** Owns `fedns completion`: the command line as a script for a shell. What can be typed comes from program.ts. */

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** An option as a shell completes it. */
export interface OptionShape {
  /** As typed: `--config`, and `-c` where there is one. */
  readonly flags: readonly string[];
  readonly about: string;
  /** What may follow it: nothing, a file, one of these words, or anything. */
  readonly value: 'none' | 'file' | 'any' | readonly string[];
}

/** A command as a shell completes it. */
export interface CommandShape {
  readonly name: string;
  readonly about: string;
  readonly options: readonly OptionShape[];
  /** Words that its first argument may be. */
  readonly words: readonly string[];
}

/** The script, to be sourced by the shell. */
export function completionScript(shell: Shell, commands: readonly CommandShape[]): string {
  return SCRIPTS[shell](commands);
}

const SCRIPTS: Readonly<Record<Shell, (commands: readonly CommandShape[]) => string>> = {
  bash: bashScript,
  // zsh reads completions of bash; its own form would say the same once more.
  zsh: (commands) => `autoload -U +X bashcompinit && bashcompinit\n${bashScript(commands)}`,
  fish: fishScript,
};

function bashScript(commands: readonly CommandShape[]): string {
  return `_fedns() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word"))
    return
  fi
  case "$command $before" in
${commands.flatMap(bashValues).join('')}  esac
  case "$command" in
${commands.map(bashWords).join('')}  esac
}
complete -F _fedns fedns
`;
}

/** Lines for what follows an option. */
function bashValues({ name, options }: CommandShape): string[] {
  return options.flatMap(({ flags, value }) => {
    if (value === 'none') return [];
    const patterns = flags.map((flag) => `'${name} ${flag}'`).join('|');
    const reply = value === 'any' ? '' : `COMPREPLY=($(compgen ${bashSource(value)} -- "$word")); `;
    return [`    ${patterns}) ${reply}return ;;\n`];
  });
}

function bashSource(value: 'file' | readonly string[]): string {
  return value === 'file' ? '-f' : `-W '${value.join(' ')}'`;
}

function bashWords({ name, options, words }: CommandShape): string {
  const all = [...words, ...options.flatMap(({ flags }) => flags)].join(' ');
  return `    ${name}) COMPREPLY=($(compgen -W '${all}' -- "$word")) ;;\n`;
}

function fishScript(commands: readonly CommandShape[]): string {
  const lines = ['complete -c fedns -f'];
  for (const { name, about, options, words } of commands) {
    lines.push(`complete -c fedns -n __fish_use_subcommand -a ${name} -d ${quote(about)}`);
    const within = `complete -c fedns -n '__fish_seen_subcommand_from ${name}'`;
    if (words.length > 0) lines.push(`${within} -a ${quote(words.join(' '))}`);
    for (const option of options) lines.push(`${within} ${fishOption(option)}`);
  }
  return `${lines.join('\n')}\n`;
}

function fishOption({ flags, about, value }: OptionShape): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
  return [...names, ...fishValue(value), '-d', quote(about)].join(' ');
}

function fishValue(value: OptionShape['value']): readonly string[] {
  if (value === 'none') return [];
  if (value === 'file') return ['-r', '-F'];
  return value === 'any' ? ['-x'] : ['-x', '-a', quote(value.join(' '))];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`\'`)}'`;
}
