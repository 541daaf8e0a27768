/** Which text (or trace.dat) this is, from its beginning. */
import { TEXT_FTRACE, TEXT_PERF, TEXT_PERF_PROF, TEXT_TRACE_CMD } from '../assembly/text-layout.js'
import { DAT_MAGIC } from '../dat/dat.js'

export const textFormats = {
  ftrace: TEXT_FTRACE,
  'trace-cmd': TEXT_TRACE_CMD,
  'perf-script': TEXT_PERF,
  'perf-prof': TEXT_PERF_PROF,
} as const

const jsonFormats = ['perf-json', 'chrome-json'] as const

export type TextFormat = keyof typeof textFormats
export type JsonFormat = (typeof jsonFormats)[number]
export type Format = TextFormat | JsonFormat | 'trace-dat' | 'function-graph' | 'systemtap'

export const formats: readonly Format[] = [
  ...(Object.keys(textFormats) as TextFormat[]),
  'function-graph',
  'systemtap',
  'trace-dat',
  ...jsonFormats,
]

export function isJson(format: Format): format is JsonFormat {
  return (jsonFormats as readonly string[]).includes(format)
}

/** What is recognised, and not read: why. */
export interface Refusal {
  refused: string
}

/** `comm-pid (tgid) [cpu] flags time: ` and latency-format's `comm-pid 0d..2. time: ` */
const DASHED =
  /-\d+ +(?:\([ \d-]+\) +)?(?:\[\d+\](?: +[^\s\d]\S{3,7})?|\d+[^\s\d]\S{3,7}?)( *)\d+(?:\.\d+)?(?:us.?)?: +(\S+)(\s*)/
const PERF_SCRIPT = /(?:^|\s)\d+\.\d{6,9}: +(?:\d+ +)?(?:\S+:(?:\s|$)|PERF_RECORD_)/
const PERF_PROF = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} [G ] .* \[\d+\] +\d+\.\d+: /
/** A timeline's `1m37.267113s what happened` */
const TIMELINE = /^\s*(?:\d+h)?\d+m\d{1,2}(?:\.\d{1,9})?s\s+\S/
const GRAPH = /^\s*(?:[\d.]+ +\| +)?\d+\) .*\|/

/** The format of the whole lines in `text`; undefined where they do not tell. `ended`: there is no more. */
export function detect(text: string, ended: boolean): Format | Refusal | undefined {
  if (text.startsWith(DAT_MAGIC)) return 'trace-dat'
  if (/^\s*(?:\{\s*["}]|\[\s*[[{\]])/.test(text)) return detectJson(text, ended)
  let hint: TextFormat | undefined
  /** Of a live stream the comments may be all that there is for a while. */
  let told = false
  for (const line of text.split('\n')) {
    if (/^# tracer: function_graph/.test(line) || GRAPH.test(line)) return 'function-graph'
    if (TIMELINE.test(line)) return 'systemtap'
    if (line.startsWith('# vmpipe ')) told = true
    if (/^#/.test(line)) {
      if (/^# tracer:/.test(line)) hint = 'ftrace'
      continue
    }
    if (/^(?:cpus=\d|\s*version = \d)/.test(line)) hint = 'trace-cmd'
    const found = detectLine(line, hint)
    if (found) return found
  }
  if (told) return 'ftrace'
  return ended ? hint : undefined
}

function detectLine(line: string, hint: TextFormat | undefined): TextFormat | undefined {
  if (PERF_PROF.test(line)) return 'perf-prof'
  const dashed = DASHED.exec(line)
  if (dashed) {
    const [, gap, event = '', padding = ''] = dashed
    if (/^[^\s(]+:[^\s(]+:$/.test(event)) return 'perf-script'
    return hint ?? (gap === '' || padding.length > 1 || /^\s*\S+\.dat: /.test(line) ? 'trace-cmd' : 'ftrace')
  }
  return PERF_SCRIPT.test(line) ? 'perf-script' : undefined
}

function detectJson(text: string, ended: boolean): Format | Refusal | undefined {
  if (/^\s*\{"(?:tsc?|type|src|event)":/.test(text)) return { refused: 'events in the wire format already' }
  if (/"linux-perf-json-version"/.test(text)) return 'perf-json'
  if (/"traceEvents"|"ph"\s*:/.test(text)) return 'chrome-json'
  return ended && /^\s*\[\s*\]/.test(text) ? 'chrome-json' : undefined
}
