import { MigrationManagerError } from '../../core/errors.ts'
import { EXIT } from '../exit.ts'
import { textArgument } from './command.ts'
import type { Verb } from '../options.ts'
import type { RunCommand } from './command.ts'

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const

export const run: RunCommand = async ({ verbs }, args) => {
  const wanted = textArgument(args, 'shell') ?? process.env['SHELL']?.split('/').at(-1) ?? 'bash'
  if (!isShell(wanted)) {
    throw new MigrationManagerError('usage/unknown-shell', `There is no completion for ${wanted}.`, {
      hint: 'Name one of bash, zsh, fish: migration-manager completion bash',
    })
  }
  const script = SHELLS[wanted](verbs)
  return { exitCode: EXIT.done, json: () => ({ shell: wanted, script }), text: () => script }
}

function isShell(name: string): name is keyof typeof SHELLS {
  return Object.hasOwn(SHELLS, name)
}

function optionsOf({ options }: Verb): string {
  return options.map((name) => `--${name}`).join(' ')
}

function bashScript(verbs: readonly Verb[]): string {
  const cases = verbs.map((verb) => `    ${verb.name}) words="${optionsOf(verb)}" ;;`).join('\n')
  return `# migration-manager completion for bash: source <(migration-manager completion bash)
_migration_manager() {
  local words current="\${COMP_WORDS[COMP_CWORD]}"
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    --dir) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
    --env-file|--config) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
  esac
  case "\${COMP_WORDS[1]}" in
${cases}
    *) words="${verbs.map(({ name }) => name).join(' ')} --help --version" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _migration_manager migration-manager`
}

function zshScript(verbs: readonly Verb[]): string {
  const commands = verbs.map(({ name, describe }) => `    '${name}:${describe.replaceAll("'", "'\\''")}'`).join('\n')
  const cases = verbs.map((verb) => `      ${verb.name}) compadd -- ${optionsOf(verb)} ;;`).join('\n')
  return `#compdef migration-manager
# migration-manager completion for zsh: source <(migration-manager completion zsh)
_migration_manager() {
  local -a commands=(
${commands}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
  else
    case "$words[2]" in
${cases}
    esac
  fi
}
compdef _migration_manager migration-manager`
}

function fishScript(verbs: readonly Verb[]): string {
  const lines = verbs.flatMap(({ name, describe, options }) => [
    `complete -c migration-manager -n __fish_use_subcommand -a ${name} -d '${describe.replaceAll("'", "\\'")}'`,
    ...options.map((option) => `complete -c migration-manager -n '__fish_seen_subcommand_from ${name}' -l ${option}`),
  ])
  return `# migration-manager completion for fish: migration-manager completion fish | source
complete -c migration-manager -f
${lines.join('\n')}`
}
