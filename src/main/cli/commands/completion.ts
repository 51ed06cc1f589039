/** `completion SHELL`: a script that completes commands and flags, made from the commands themselves. */
import type { Command } from 'commander';
import { NextvecError } from '#shared/domain/errors.ts';
import type { CommandContext } from '../context.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

interface Flag {
  readonly long: string;
  readonly help: string;
  readonly takesValue: boolean;
}

interface CompletedCommand {
  readonly name: string;
  readonly help: string;
  readonly flags: readonly Flag[];
}

export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command('completion <SHELL>')
    .description(`print the completion for ${SHELLS.join(', ')}; bash: source <(nextvec completion bash)`)
    .action((word: string) =>
      context.run(async (out) => {
        const script = completionScript(program, readShell(word));
        out.result({ script }, () => out.line(script));
      }),
    );
}

function readShell(word: string): Shell {
  const shell = SHELLS.find((name) => name === word);
  if (shell !== undefined) return shell;
  throw new NextvecError('BAD_INPUT', `There is no completion for "${word}".`, {
    remedy: `Choose one of ${SHELLS.join(', ')}.`,
  });
}

export function completionScript(program: Command, shell: Shell): string {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    help: command.description(),
    flags: command.options.map(({ long, description, required, optional }) => ({
      long: long ?? '',
      help: description,
      takesValue: required || optional,
    })),
  }));
  return WRITERS[shell](commands);
}

const WRITERS: Readonly<Record<Shell, (commands: readonly CompletedCommand[]) => string>> = { bash, zsh, fish };

function flagWords({ flags }: CompletedCommand): string {
  return flags.map(({ long }) => long).join(' ');
}

/** Flags of the command after a dash, else names of files; first the commands. */
function bash(commands: readonly CompletedCommand[]): string {
  return `_nextvec() {
  local word=\${COMP_WORDS[COMP_CWORD]} flags=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')}' -- "$word"))
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map((command) => `    ${command.name}) flags='${flagWords(command)}' ;;`).join('\n')}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}
complete -o filenames -F _nextvec nextvec`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  const described = (name: string, help: string) => quoted(`${name}:${help.replaceAll(':', '\\:')}`);
  const ofCommand = ({ name, flags }: CompletedCommand) =>
    `    ${name}) flags=(${flags.map(({ long, help }) => described(long, help)).join(' ')}) ;;`;
  return `#compdef nextvec
_nextvec() {
  local -a commands flags
  commands=(${commands.map(({ name, help }) => described(name, help)).join(' ')})
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${commands.map(ofCommand).join('\n')}
  esac
  if [[ $words[CURRENT] == -* ]]; then _describe -o flag flags; else _files; fi
}
compdef _nextvec nextvec`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const first = commands.map(
    ({ name, help }) => `complete -c nextvec -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(help)}`,
  );
  const flags = commands.flatMap(({ name, flags: own }) =>
    own.map(
      ({ long, help, takesValue }) =>
        `complete -c nextvec -n '__fish_seen_subcommand_from ${name}' -l ${long.slice(2)} -d ${fishQuoted(help)}${takesValue ? ' -r' : ''}`,
    ),
  );
  return [...first, ...flags].join('\n');
}

/** In fish a backslash and a quote are escaped within single quotes. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
