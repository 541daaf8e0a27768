/** Completion for fish (complete(1)): a line for each option of each tool. */
import type { Command, Flag, Value } from './words.js'

export function fish(commands: readonly Command[]): string {
  const tools = commands.filter(({ name }) => name !== 'vmpipe')
  const behind = commands.filter(({ alone }) => !alone).map(({ name }) => name)
  return `# fish completion for vmpipe: vmpipe completion fish | source
function __vmpipe_events
    set -l chosen (string match -r '.*,' -- (commandline -ct))
    printf "$chosen%s\\n" (cat /sys/kernel/tracing/available_events 2>/dev/null)
end
function __vmpipe_functions
    string replace -r ' .*' '' </sys/kernel/tracing/available_filter_functions 2>/dev/null
end
# vmpipe TOOL ...: what the tool itself has, under a name that no command has where it is only a word of vmpipe
function __vmpipe_tool
    set -l words (commandline -opc)
    contains -- $words[2] ${behind.join(' ')}; and set words[2] __vmpipe_$words[2]
    complete -C (string join ' ' -- $words[2..-1] (commandline -ct))
end
complete -c vmpipe -n 'not __fish_use_subcommand' -x -a '(__vmpipe_tool)'
${tools.map(({ name, summary }) => `complete -c vmpipe -n __fish_use_subcommand -x -a ${name} -d ${quoted(summary)}`).join('\n')}
${commands.map(lines).join('\n')}
`
}

function lines({ name: called, alone, flags, operands, files }: Command): string {
  const name = alone ? called : `__vmpipe_${called}`
  const own = name === 'vmpipe' ? ' -n __fish_use_subcommand' : ''
  return [
    ...(files ? [] : [`complete -c ${name} -f`]),
    ...(operands.length > 0 && name !== 'vmpipe' ? [`complete -c ${name} -a ${quoted(operands.join(' '))}`] : []),
    ...flags.map((flag) => `complete -c ${name}${own} ${option(flag)}`),
  ].join('\n')
}

function option({ names, describe, value }: Flag): string {
  const forms = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
  return [...forms, ...(value ? [argument(value)] : []), `-d ${quoted(describe)}`].join(' ')
}

function argument(value: Value): string {
  if (value.kind === 'words') return `-x -a ${quoted(value.words.join(' '))}`
  return {
    file: '-r',
    events: "-x -a '(__vmpipe_events)'",
    function: "-x -a '(__vmpipe_functions)'",
    any: '-x',
  }[value.kind]
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
