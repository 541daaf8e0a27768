/**
 * Completion for bash (bash(1), "Programmable Completion"): one function for all tools.
 *
 * Readline ends words at `:` and `=`, which stand in names of events, and replaces only what follows them; so the
 * words are read from COMP_LINE, and of an answer goes back what stands behind the last of these characters.
 */
import { type Command, type Flag, namesAlone } from './words.js'

export function bash(commands: readonly Command[]): string {
  return `# bash completion for vmpipe: eval "$(vmpipe completion bash)"
_vmpipe() {
  local line=\${COMP_LINE:0:COMP_POINT} words cur prev flags='' values='' kind=file tool
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  tool=\${words[0]##*/} cur=\${words[-1]} prev=\${words[-2]}
  if [[ $tool == vmpipe && \${#words[@]} -gt 2 ]]; then
    tool=\${words[1]}
    [[ \${#words[@]} -eq 3 ]] && prev=''
  fi
  [[ $cur == --*=* ]] && prev=\${cur%%=*} cur=\${cur#*=}
  case $tool in
${commands.map(branch).join('\n')}
  esac
  [[ $cur == -* ]] && values=$flags kind=words
  case $kind in
    any) compopt +o default 2>/dev/null ;;
    events) values=$(cat /sys/kernel/tracing/available_events 2>/dev/null) ;;
    function) [[ \${#cur} -gt 1 ]] && values=$(cut -d ' ' -f 1 /sys/kernel/tracing/available_filter_functions 2>/dev/null) ;;
  esac
  local list='' last=$cur
  [[ $kind == events && $cur == *,* ]] && list=\${cur%,*}, last=\${cur##*,}
  mapfile -t COMPREPLY < <(compgen -P "$list" -W "$values" -- "$last")
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local done=\${cur%"\${cur##*:}"}
    COMPREPLY=("\${COMPREPLY[@]#"$done"}")
  fi
}
complete -o default -F _vmpipe ${namesAlone(commands).join(' ')}
`
}

function branch({ name, flags, operands, files }: Command): string {
  const valued = flags.filter(({ value }) => value)
  const lines = [
    `    ${name})`,
    `      flags=${quoted(flags.flatMap(({ names }) => names).join(' '))} values=${quoted(operands.join(' '))}${files ? '' : ' kind=any'}`,
    ...(valued.length > 0 ? ['      case $prev in', ...valued.map(valueCase), '      esac'] : []),
    '      ;;',
  ]
  return lines.join('\n')
}

function valueCase({ names, value }: Flag): string {
  const words = value?.kind === 'words' ? value.words.join(' ') : ''
  return `        ${names.join('|')}) kind=${value?.kind} values=${quoted(words)} ;;`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
