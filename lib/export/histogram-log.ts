/**
 * `export hlog`: the log of HdrHistogram, version 1.3 (its HistogramLogWriter): a line for each interval and path,
 *
 *     Tag=kvm_msi_set_irq=>irq_handler_entry,40.000,10.000,34.646,HISTFAAA...
 *
 * when it began and how long it is, in seconds; the longest latency in it, in ms; all of them as a histogram, V2,
 * deflated, in base64. What is held is one interval. Values are ns, or cycles.
 */
import { HAS_TS, TYPE } from '../assembly/layout.js'
import { BadRecord, type Context, type Stage } from '../cli/tool.js'
import { seconds } from '../drawing/event-line.js'
import { shortened } from '../drawing/shortened.js'
import { oneLine } from '../drawing/visible.js'
import { wallOffsets } from '../drawing/wall-time.js'
import { accounts } from '../statistics/accounts.js'
import { hdrOf } from '../statistics/hgrm.js'
import { caption } from '../statistics/histogram-record.js'
import { saidOf } from '../statistics/printing.js'
import { type LatencyRow, type Series, type SeriesOptions, series } from '../statistics/series.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { RecordView } from '../wire/record.js'

declare const VERSION: string

/** `interval`: ns. */
export function histogramLog(rows: SeriesOptions, interval: number, context: Context): Stage {
  const pair = idOf('pair')
  const account = accounts()
  const length = BigInt(interval)
  let library: typeof import('hdr-histogram-js') | undefined
  /** Of the interval, in ns. */
  let from: bigint | undefined
  let stretch: Series = series(rows)
  let calls = 0
  let others = 0
  const walls = wallOffsets()
  let begun = false

  const load = async () => {
    library = await import('hdr-histogram-js')
  }

  function head(at: bigint): void {
    begun = true
    context.print(`#[Logged with vmpipe export ${VERSION}]\n#[Histogram log format version 1.3]\n`)
    const wall = walls.whole
    if (wall !== undefined) {
      const start = at + wall
      const date = new Date(Number(start / 1_000_000n)).toISOString()
      context.print(`#[StartTime: ${seconds(start, 9)} (seconds since epoch), ${date}]\n`)
      context.print(`#[BaseTime: ${seconds(wall, 9)} (seconds since epoch)]\n`)
    }
    context.print('"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"\n')
  }

  function flush(): void {
    if (from === undefined || stretch.calls === 0 || !library) return
    if (!begun) head(from)
    for (const row of stretch.rows) {
      const { histogram } = row
      const times = `${seconds(from, 9)},${seconds(length, 9)},${(histogram.max / 1e6).toFixed(6)}`
      context.print(
        `Tag=${tag(row, rows.labels)},${times},${library.encodeIntoCompressedBase64(hdrOf(histogram, library))}\n`,
      )
    }
    calls += stretch.calls
    others += stretch.others
    stretch = series(rows)
  }

  function take(record: RecordView): void {
    const { time } = record
    if (time === undefined || !record.has(HAS_TS))
      throw new BadRecord('the pair has no end_ts; tsc-align makes times of cycles')
    const begins = (time / length - (time < 0n && time % length !== 0n ? 1n : 0n)) * length
    // a pair that comes late stays in the interval that is open
    if (from === undefined || begins > from) {
      flush()
      from = begins
    }
    const row = stretch.add(record)
    if (typeof row === 'string') throw new BadRecord(row)
  }

  return {
    ready: () => (library ? undefined : load()),
    event() {},
    record(record) {
      if (words[record.row + TYPE] === pair) {
        take(record)
        return
      }
      account.take(record)
      if (record.type === 'clock') walls.take(record)
    },
    async end() {
      await load()
      flush()
      if (!begun) head(0n)
      for (const line of saidOf({ calls, others }, account, rows.maxKeys)) context.print(`#${oneLine(line)}\n`)
      return { line: `${calls} pairs` }
    },
  }
}

/** A tag has no comma and no blank: `a=>b:7` with a key. */
function tag(row: LatencyRow, labels: SeriesOptions['labels']): string {
  const heads = labels.map(({ name }) => ({ head: name }))
  const text = oneLine(caption(row, heads)).replace(' => ', '=>').replace(', key ', ':')
  return shortened(text.replaceAll(/[\s,]/g, '_'))
}
