/**
 * parse - what others recorded → events: their text, their JSON, and trace-cmd's trace.dat.
 *
 * Reads ftrace's trace and trace_pipe (also of the function_graph tracer), trace-cmd report, perf script, perf-prof trace lines, timelines of systemtap scripts, and the
 * JSON of perf and Chrome; of a trace.dat the pages of the ring buffer themselves. A line that says events were lost becomes a `lost` record between the events around it;
 * stacks become a member of their event; headers and records of perf's own are counted.
 *
 * What can mislead: text is lossy. `dst 1 vec 40` is what is left of an address and data of 64 bits; a time in
 * seconds has lost its nanoseconds; the comm is the one known when the text was printed.
 */
import { HAS, HAS_TSC, OWN, SRC, TEXT_CONTROL, TYPE } from '../lib/assembly/layout.js'
import { sourceOf } from '../lib/cli/drive.js'
import { type Spec, source } from '../lib/cli/tool.js'
import { readTraceDat } from '../lib/dat/tool.js'
import { commentRecord } from '../lib/text/comments.js'
import { type Format, formats, isJson, type JsonFormat, type TextFormat } from '../lib/text/detect.js'
import { textLine } from '../lib/text/line.js'
import { losses } from '../lib/text/losses.js'
import { formatOf } from '../lib/text/opening.js'
import { readText } from '../lib/text/reading.js'
import { readGraph } from '../lib/text/reading-graph.js'
import { eventRecord, readJson } from '../lib/text/reading-json.js'
import { readTimeline } from '../lib/text/reading-timeline.js'
import { reportGraph } from '../lib/text/report-graph.js'
import { streamHeads } from '../lib/text/stream-heads.js'
import { lineFault } from '../lib/wire/line-fault.js'
import { words } from '../lib/wire/memory.js'
import { idOf } from '../lib/wire/names.js'
import type { Source } from '../lib/wire/source.js'

const spec = {
  name: 'parse',
  summary:
    'what others recorded to events: ftrace, function_graph, trace-cmd, trace.dat, perf script, perf-prof, systemtap, JSON',
  operands: '[file...]',
  own: 0,
  options: {
    from: {
      choices: ['auto', ...formats],
      default: 'auto',
      describe: 'who made it; auto: its beginning tells',
    },
    src: { type: 'string', value: 'name', default: 'host', describe: 'who saw the events: host, guest, or a name' },
    event: { type: 'string', value: 'name', describe: 'the name of the events of a JSON file whose samples have none' },
  },
  examples: [
    'parse trace.txt.gz | pair kvm_msi_set_irq kvm_entry | histo',
    'perf script --ns | parse | pair kvm:kvm_exit kvm:kvm_entry | histo',
    'cat /sys/kernel/tracing/trace_pipe | parse --src guest',
    'parse trace.dat | where "irq == 26" | show',
  ],
} as const satisfies Spec

export default source(spec, async (options, context, out) => {
  const counts = { events: 0, headers: 0, stacks: 0, skipped: 0, not_utf8: 0 }
  /** What a trace.dat's pages say is lost. */
  const missing = { records: 0, events: 0n }
  const found = new Set<Format>()
  const lost = losses((line) => out.write(line))
  const heads = streamHeads((line) => out.write(line))

  async function readLines(input: Source, format: TextFormat): Promise<void> {
    const functions = format === 'trace-cmd' ? reportGraph() : undefined
    const more = await readText(
      input,
      format,
      options.src,
      context,
      () => out.flush(),
      ({ row }) => {
        if (words[row + OWN] === TEXT_CONTROL) {
          if (!commentRecord(row, idOf(options.src), heads, (line) => out.write(line))) counts.headers++
          return
        }
        if (words[row + TYPE] !== 0) {
          lost.hold(row)
          return
        }
        heads.before(words[row + SRC] as number, ((words[row + HAS] as number) & HAS_TSC) !== 0)
        if (lost.waiting) lost.end(row)
        lost.pass(row)
        const calls = functions?.(row)
        for (const call of calls ?? []) out.write(JSON.stringify(call))
        counts.events += calls?.length ?? 1
        if (!calls) out.emit(row, textLine)
      },
    )
    lost.finish()
    counts.headers += more.headers
    counts.stacks += more.stacks
    counts.skipped += more.skipped
    counts.not_utf8 += more.not_utf8
  }

  const fault = lineFault()

  async function readDocument(input: Source, format: JsonFormat): Promise<void> {
    const src = idOf(options.src)
    const skipped = await readJson(input, format, options.event, context, (event) => {
      const line = JSON.stringify(eventRecord(event, options.src))
      const wrong = fault(line)
      if (wrong) return wrong
      heads.before(src, false)
      counts.events++
      if (event.stack) counts.stacks++
      out.write(line)
      return undefined
    })
    counts.skipped += skipped
  }

  async function readDat(path: string, input: Source): Promise<void> {
    const more = await readTraceDat(path, input, options.src, context, out)
    counts.events += more.events
    missing.records += more.lost
    missing.events += BigInt(more.lostEvents)
  }

  async function readByLine(read: typeof readGraph, input: Source): Promise<void> {
    const more = await read(input, options.src, context, heads, out)
    counts.events += more.events
    counts.headers += more.headers
    counts.not_utf8 += more.not_utf8
    missing.records += more.lost
    missing.events += more.lost_events
  }

  for (const path of context.files) {
    const input = sourceOf(path, context)
    if (!input) continue
    const { source: whole, format } = await formatOf(input, options.from, context)
    if (format) {
      found.add(format)
      if (format === 'trace-dat') await readDat(path, whole)
      else if (format === 'function-graph') await readByLine(readGraph, whole)
      else if (format === 'systemtap') await readByLine(readTimeline, whole)
      else if (isJson(format)) await readDocument(whole, format)
      else await readLines(whole, format)
    }
    input.close()
  }
  const records = lost.records + missing.records
  const all = BigInt(lost.events) + missing.events
  const events = all > BigInt(Number.MAX_SAFE_INTEGER) ? all : Number(all)
  return {
    line: `${[...found].join(', ') || 'nothing'}: ${summaryLine(counts, records, events)}`,
    counts: { ...counts, lost: records, lost_events: events },
  }
})

/** `152,411 events, 3 lost records (3,448 events lost), 12 headers` */
function summaryLine(counts: Record<string, number>, records: number, events: number | bigint): string {
  const { events: read = 0, headers = 0, stacks = 0, skipped = 0, not_utf8: foreign = 0 } = counts
  const parts = [many(read, 'event')]
  if (records > 0) parts.push(`${many(records, 'lost record')} (${many(events, 'event')} lost)`)
  if (headers > 0) parts.push(many(headers, 'header'))
  if (stacks > 0) parts.push(many(stacks, 'stack'))
  if (skipped > 0) parts.push(`${thousands(skipped)} skipped`)
  if (foreign > 0) parts.push(`${many(foreign, 'line')} not UTF-8`)
  return parts.join(', ')
}

function many(n: number | bigint, what: string): string {
  return `${thousands(n)} ${what}${n === 1 ? '' : 's'}`
}

function thousands(n: number | bigint): string {
  return n.toString().replace(/\B(?=(?:\d{3})+$)/g, ',')
}
