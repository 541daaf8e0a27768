/**
 * Tabulating (histo): pairs into a table for people, or into `histogram` records: over all, for each stretch of time, and
 * as a line for each interval.
 */
import { HAS_TS, TIME, TYPE } from '../assembly/layout.js'
import { BadRecord, type Context, type Stage } from '../cli/tool.js'
import { showDuration } from '../clock/duration.js'
import { pen } from '../drawing/colour.js'
import { oneLine } from '../drawing/visible.js'
import { wallOffsets } from '../drawing/wall-time.js'
import { integer64 } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import type { RecordView } from '../wire/record.js'
import { accounts } from './accounts.js'
import { hgrmText, recordTexts, saidOf, tableText } from './printing.js'
import { type Series, series } from './series.js'
import type { Shape } from './shape.js'
import { stretches } from './stretches.js'
import { timeline } from './timeline.js'

export interface TableOptions {
  shape: Shape
  /** ns; 0: none. */
  interval: number
  timeline: number
  form: 'table' | 'json' | 'hgrm'
  /** Tables of intervals below each other on a terminal, too. */
  scroll: boolean
}

/** A table that stood for less, nobody has read. */
const READABLE_MS = 100

export function tabulating(options: TableOptions, context: Context): Stage {
  const { shape, interval, form, scroll } = options
  const json = form === 'json'
  const make = () => series(shape.rows)
  const pair = idOf('pair')
  const clock = idOf('clock')
  const account = accounts()
  const { terminal } = context
  const look = {
    unit: shape.form.unit,
    pen: pen(terminal?.colours ?? 0),
    columns: terminal?.columns() ?? Number.POSITIVE_INFINITY,
  }
  const overall = make()
  const overTime = options.timeline === 0 ? null : timeline(options.timeline, look, make, (text) => context.print(text))
  const parts = stretches(interval, make, showPart)
  const perfProf = shape.style === 'perf-prof'
  let output: Out
  let timeless = false
  const wall = wallOffsets()
  /** Of the last pair with a time in ns, where the table is to say it. */
  let last: bigint | undefined

  function showPart(part: Series, until: bigint): void {
    if (json) for (const text of recordTexts(part, shape, until)) output.write(text)
    else {
      const table = tableText(part, shape, until, wall.whole)
      if (table === '') return
      if (terminal && !scroll) terminal.show(`${table}\n`, Math.max(READABLE_MS, interval / 2e6))
      else context.print(`${table}\n`)
    }
  }

  function showAll(): void {
    if (json) {
      for (const text of recordTexts(overall, shape, null)) output.write(text)
      return
    }
    // perf-prof has no table over all its intervals
    if (overall.calls === 0 || (perfProf && interval > 0 && !timeless)) return
    const table = tableText(overall, shape, perfProf ? last : undefined, wall.whole)
    if (interval > 0) context.print('all\n')
    context.print(table === '' ? `nothing took longer than ${showDuration(shape.rows.than)}\n\n` : `${table}\n`)
  }

  function other(record: RecordView, out: Out): void {
    account.take(record)
    if (words[record.row + TYPE] === clock && record.has(HAS_TS)) {
      wall.take(record)
      if (interval > 0) parts.reach(record)
    }
    if (json) out.pass(record)
  }

  /** Intervals are ns; says once that this pair has none. */
  function timed(record: RecordView): boolean {
    if (record.has(HAS_TS)) return true
    if (!timeless) context.problem(`--${overTime ? 'timeline' : 'interval'} needs times in ns; tsc-align makes them`)
    timeless = true
    return false
  }

  return {
    // what was not paired is no latency
    event() {},
    record(record, out) {
      output = out
      if (words[record.row + TYPE] !== pair) {
        other(record, out)
        return
      }
      const row = overall.add(record)
      if (typeof row === 'string') throw new BadRecord(row)
      if (perfProf && record.has(HAS_TS)) last = integer64(record.row + TIME)
      if (overTime && timed(record)) overTime.add(record)
      if (interval === 0 || !timed(record)) return
      parts.reach(record)
      parts.add(record)
    },
    async end(out) {
      output = out
      const lines = saidOf(overall, account, shape.rows.maxKeys)
      if (form === 'hgrm') {
        context.print(await hgrmText(overall, shape.form, lines))
        return undefined
      }
      if (!timeless) parts.close()
      if (overTime?.end()) context.print('\n')
      showAll()
      if (!json) for (const line of lines) context.print(`${oneLine(line)}\n`)
      return undefined
    },
  }
}
