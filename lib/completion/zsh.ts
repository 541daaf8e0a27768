/** Completion for zsh (zshcompsys(1), `_arguments`); evaluated, or as a file `_vmpipe` in a folder of fpath. */
import { type Command, type Flag, namesAlone, type Value } from './words.js'

export function zsh(commands: readonly Command[]): string {
  const names = namesAlone(commands).join(' ')
  const tools = commands.filter(({ name }) => name !== 'vmpipe')
  return `#compdef ${names}
# zsh completion for vmpipe: eval "$(vmpipe completion zsh)", behind compinit
_vmpipe_events() {
  local -a events=(\${(f)"$(cat /sys/kernel/tracing/available_events 2>/dev/null)"})
  compset -P '*,'
  compadd -q -S , -a events
}
_vmpipe_functions() {
  local -a functions=(\${\${(f)"$(cat /sys/kernel/tracing/available_filter_functions 2>/dev/null)"}%% *})
  compadd -a functions
}
_vmpipe_or_file() {
  _alternative "words:word:($*)" 'files:file:_files'
}
_vmpipe_tools() {
  local -a tools=(
${tools.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n')}
  )
  _describe -t tools tool tools
}
_vmpipe() {
  local tool=\${words[1]:t}
  if [[ $tool == vmpipe ]] && (( CURRENT > 2 )); then
    shift words
    (( CURRENT-- ))
    tool=$words[1]
  fi
  case $tool in
${commands.map(branch).join('\n')}
  esac
}
if [[ $funcstack[1] == _vmpipe ]]; then
  _vmpipe "$@"
else
  compdef _vmpipe ${names}
fi
`
}

function branch({ name, flags, operands, files }: Command): string {
  const or = operands.length > 0 && files ? ` _vmpipe_or_file ${operands.join(' ')}` : undefined
  const more = or ?? (operands.length > 0 ? words(operands) : files ? '_files' : undefined)
  const rest = name === 'vmpipe' ? ':tool:_vmpipe_tools' : more && `*:operand:${more}`
  const specs = [...flags.map(argument), ...(rest ? [quoted(rest)] : [])]
  return `    ${name}) _arguments -s -S ${specs.map((spec) => `\\\n      ${spec}`).join(' ')} ;;`
}

/** `'(-q --quiet)'--quiet'[text]'`, and one for `-q`; `'*'--event='[text]:value:_vmpipe_events'` may come again. */
function argument({ names, describe, value, again }: Flag): string {
  const forms = names.map((name) => (value && name.startsWith('--') ? `${name}=` : name))
  const text = quoted(`[${describe.replaceAll(/[[\]:\\]/g, '\\$&')}]${value ? `:value:${action(value)}` : ''}`)
  if (again) return forms.map((form) => `'*'${form}${text}`).join(' ')
  const excluded = names.length > 1 ? quoted(`(${names.join(' ')})`) : ''
  return forms.map((form) => `${excluded}${form}${text}`).join(' ')
}

function action(value: Value): string {
  if (value.kind === 'words') return words(value.words)
  return { file: '_files', events: '_vmpipe_events', function: '_vmpipe_functions', any: ' ' }[value.kind]
}

function words(list: readonly string[]): string {
  return `(${list.join(' ')})`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
