/** The workflow commands of GitHub Actions that the tool gives. */
export type CommandName = 'error' | 'warning' | 'notice'

/** Where an annotation goes; lines and columns are 1-based. */
export interface CommandProperties {
  readonly title?: string | undefined
  readonly file?: string | undefined
  readonly line?: number | undefined
  readonly col?: number | undefined
}

/** Colours in front do not keep people from reading the line as a command, so they count as blank. */
// oxlint-disable-next-line no-control-regex
const COMMAND_LINE = /^(?:[^\S\n]|\u001b\[[0-9;]*m)*(?=::)/gmu

/** GitHub's older commands and those of Azure Pipelines are found anywhere in a line. */
const COMMAND_ANYWHERE = /##(?=\[|vso\[)/giu

/**
 * One line for GitHub Actions, without its line break, escaped as the runner undoes it.
 * Source: `ActionCommand` in actions/runner; % CR LF in the message, also `:` and `,` in properties.
 */
export function formatCommand(name: CommandName, properties: CommandProperties, message: string): string {
  const given = Object.entries(properties)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${escapeProperty(String(value))}`)
  return `::${name}${given.length === 0 ? '' : ` ${given.join(',')}`}::${escapeMessage(message)}`
}

/** Puts a backslash into whatever a runner of GitHub or Azure would take for a command, so that it is only text. */
export function defuseCommands(text: string): string {
  return text.replace(COMMAND_LINE, '$&\\').replace(COMMAND_ANYWHERE, '#\\#')
}

/** The same for serialised JSON, which goes on meaning the same. Its only line begins with a brace. */
export function defuseCommandsInJson(json: string): string {
  return json.replace(COMMAND_ANYWHERE, '\\u0023#')
}

function escapeMessage(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeMessage(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
