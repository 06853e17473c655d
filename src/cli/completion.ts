/** `edict completion bash | zsh | fish`: a script for the shell, made from the commands themselves. */
import type { Command } from 'commander'
import { type AddCommand } from './context.ts'

const words = (command: Command): readonly string[] => [
  ...command.commands.map((sub) => sub.name()).filter((name) => name !== 'help'),
  ...command.options.flatMap(({ long }) => long ?? []),
]

/** Every command's path, and the words that may come after it. */
const paths = (command: Command, path: readonly string[] = []): readonly (readonly [string, readonly string[]])[] => [
  [path.join(' '), words(command)],
  ...command.commands.flatMap((sub) => paths(sub, [...path, sub.name()])),
]

const bash = (program: Command): string => `_edict() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  local words=""
  case "$path" in
${paths(program)
  .map(([path, next]) => `    "${path}") words="${next.join(' ')}" ;;`)
  .join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _edict edict`

const zsh = (program: Command): string => `autoload -U +X bashcompinit && bashcompinit\n${bash(program)}`

const fish = (program: Command): string =>
  paths(program)
    .map(([path, next]) => {
      const seen = path === '' ? '__fish_use_subcommand' : `"__fish_seen_subcommand_from ${path.split(' ').at(-1)}"`
      return `complete -c edict -f -n ${seen} -a "${next.join(' ')}"`
    })
    .join('\n')

const shells = { bash, zsh, fish } as const

export const addCompletion: AddCommand = (program, { print }) => {
  const command = program
    .command('completion')
    .description('print a script that completes commands and options in a shell')
  for (const [name, script] of Object.entries(shells))
    command
      .command(name)
      .description(`for ${name}`)
      .action(() => print(script(program)))
}
