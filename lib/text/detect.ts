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

/** Files that begin like this hold no text that can be read. */
const OTHERS: [string, string][] = [
  ['\x28\xb5\x2f\xfd', 'compressed with zstd, which is not undone here: zstdcat does'],
  ['\xfd7zXZ\0', 'compressed with xz, which is not undone here: xzcat does'],
  ['BZh91AY&SY', 'compressed with bzip2, which is not undone here: bzcat does'],
  ['\x04\x22\x4d\x18', 'compressed with lz4, which is not undone here: lz4cat does'],
  ['PERFILE2', "perf's own file: perf script prints it, and that is read"],
  ['\xff\xfe', 'UTF-16: iconv -f UTF-16 -t UTF-8 makes it readable'],
  ['\xfe\xff', 'UTF-16: iconv -f UTF-16 -t UTF-8 makes it readable'],
]
/** Lines of ftrace without the usual columns, and the option that makes them (print_raw_fmt() and others in kernel/trace/trace.c). */
const BARE: [RegExp, string][] = [
  [/^\d+ \d+ \d+ /, 'raw'],
  [/^[\da-f]{8} [\da-f]{8} [\da-f]{16} /, 'hex'],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is made of
  [/[\0-\x08]/, 'bin'],
  [/^[a-z]\w*: /, 'nocontext-info'],
  [/ [\da-f]{8} \[[\da-f]{8,}\] +\d+\.\d{3}ms \(\+/, 'verbose in latency format'],
]

/** The format of the whole lines in `text`; undefined where they do not tell. `ended`: there is no more. */
export function detect(text: string, ended: boolean): Format | Refusal | undefined {
  if (text.startsWith(DAT_MAGIC)) return 'trace-dat'
  const other = OTHERS.find(([begin]) => text.startsWith(begin))
  if (other) return { refused: other[1] }
  if (/^\s*(?:\{\s*["}]|\[\s*[[{\]])/.test(text)) return detectJson(text, ended)
  let hint: TextFormat | undefined
  /** Of a live stream the comments may be all that there is for a while. */
  let told = false
  let bare: [RegExp, string] | undefined
  for (const line of text.split('\n')) {
    if (/^# tracer: function_graph/.test(line) || GRAPH.test(line)) return 'function-graph'
    if (TIMELINE.test(line)) return 'systemtap'
    if (line.startsWith('# vmpipe ')) told = true
    if (/^#/.test(line)) {
      if (/^# tracer:/.test(line)) hint = 'ftrace'
      // of a large machine perf's header can be all that is looked at
      if (/^# (?:captured on|perf version|cmdline) *:/.test(line)) hint = 'perf-script'
      continue
    }
    if (/^(?:cpus=\d|\s*version = \d)/.test(line)) hint = 'trace-cmd'
    const found = detectLine(line, hint)
    if (found) return found
    if (hint === 'ftrace') bare ??= BARE.find(([form]) => form.test(line))
  }
  // not at the first such line: one that is broken may look like it, and good ones follow
  if (bare && ended)
    return { refused: `ftrace's text with the option ${bare[1]}, which is not read: record it without` }
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
