/**
 * `histo --merge`: encoded histograms of many workers into one table of the fleet, the worst row first. With an interval
 * also a table of what came in each so long a time of the wall clock: hosts have no other clock in common.
 *
 * Everything in a record is the word of somebody else: what is wrong with one is said, and the others count. What is held
 * is bounded: rows, memory of their counts, workers, and what is remembered of each one's intervals.
 */
import { TYPE } from '../assembly/layout.js'
import { linesOf } from '../cli/screen.js'
import { BadRecord, type Context, type Counts, type Stage } from '../cli/tool.js'
import { oneLine } from '../drawing/visible.js'
import { wallTime } from '../drawing/wall-time.js'
import { hgrmText, recordTexts, tableText } from '../statistics/printing.js'
import type { Series } from '../statistics/series.js'
import { type Shape, type ShapeOptions, shapeOf } from '../statistics/shape.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import { type Arrivals, arrivals, type Budget, type State } from './arrivals.js'
import { digest } from './digest.js'
import { fleetAccount, type LaneState } from './fleet-account.js'
import { intervalOf, type Place, type Row, rowOf, type Told } from './interval-record.js'
import { type Merged, merged } from './merged.js'

/** What tells rows apart where nobody says. */
const USUAL = 'path,host,vm'

/** The table's shape, and what tells its rows apart, `path` left out. Throws an Error where the options say what no histogram can tell. */
export function mergedShape(options: ShapeOptions): { shape: Shape; by: readonly string[] } {
  const { keys, by: given = keys ? `${USUAL},key` : USUAL, worst = 'p99' } = options
  if (keys && options.by !== undefined) throw new Error('one of --keys and --by')
  if (options.than ?? options['only-than'])
    throw new Error('--merge counts no single pair; --than goes with histo alone')
  const names = given.split(',')
  const by = names.filter((name) => name !== 'path')
  const rest = by.length === 0 ? undefined : by.join(',')
  const shape = shapeOf({ ...options, keys: false, by: rest, worst })
  const { columns } = shape.form
  if (columns.errors) throw new Error('--merge knows of no errors')
  const named = { ...columns, names: names.includes('path') }
  return {
    shape: { ...shape, rows: { ...shape.rows, names: named.names }, form: { ...shape.form, columns: named } },
    by,
  }
}

export interface MergeOptions {
  shape: Shape
  by: readonly string[]
  maxRows: number
  /** ms; 0: one table at the end. */
  every: number
  form: 'table' | 'json' | 'hgrm'
  /** Tables below each other on a terminal, too. */
  scroll: boolean
}

interface Lane extends Pick<Place, 'worker' | 'host'> {
  arrived: Arrivals
}

const MOST_LANES = 16384
/** Digests of rows, of all workers: 8 bytes each, and what a map adds. */
const MOST_DIGESTS = 1 << 20
/** Lines that a terminal has beside the rows of a table. */
const BESIDE = 6

export function merging(options: MergeOptions, context: Context): Stage {
  const { shape, by, maxRows, every, form } = options
  const make = () => merged({ by, names: shape.form.columns.names, maxRows })
  const lanes = new Map<string, Lane>()
  const budget: Budget = { left: MOST_DIGESTS }
  const account = fleetAccount()
  const hdr = idOf('hdr')
  const interval = idOf('interval')
  const overall = make()
  let recent = make()
  let timer: NodeJS.Timeout | undefined

  function laneOf({ worker, host }: Place): Lane {
    const name = JSON.stringify([worker, host])
    const known = lanes.get(name)
    if (known) return known
    if (lanes.size >= MOST_LANES) throw new BadRecord(`more than ${MOST_LANES} workers and hosts`)
    const made = { worker, host, arrived: arrivals(budget) }
    lanes.set(name, made)
    return made
  }

  function takeRow(line: string): void {
    const row = rowOf(line)
    overall.check(row)
    const { arrived } = laneOf(row)
    named(row, () => {
      if (arrived.row(row.interval, row.row, row.exact.calls, digestOf(row)) === 'repeated') return
      overall.add(row)
      if (every > 0) recent.add(row)
      arrived.check(row.interval)
    })
  }

  function takeInterval(line: string): void {
    const told = intervalOf(line)
    const { arrived } = laneOf(told)
    named(told, () => {
      if (arrived.told(told.interval, told, digestOfEnd(told)) === 'repeated') return
      account.take(told)
      arrived.check(told.interval)
    })
  }

  /** Lines of the account. `live`: what is under way is not amiss. */
  function said(live: boolean, calls: number, others: number): string[] {
    const states = [...lanes.values()].map(({ worker, host, arrived }) => stateOf(worker, host, arrived, live))
    const further = `${others} pairs of further rows than --max-keys ${maxRows} are the row others`
    return [...account.lines(states, calls), ...(others === 0 ? [] : [further])].map(oneLine)
  }

  function showRecent(out: Out): void {
    timer = undefined
    const lines = said(true, overall.calls, recent.others)
    const { terminal } = context
    const inPlace = terminal !== undefined && !options.scroll
    const below = lines.map((line) => `${line}\n`).join('')
    const room = inPlace
      ? Math.max(1, terminal.rows() - linesOf(below, terminal.columns()) - BESIDE)
      : Number.POSITIVE_INFINITY
    const limited = { ...shape, form: { ...shape.form, top: Math.min(shape.form.top, room) } }
    const until = `until ${wallTime(BigInt(Date.now()) * 1_000_000n).slice(0, 19)}\n`
    const text = `${until}${tableText(seriesOf(recent), limited, undefined, undefined)}${below}`
    if (inPlace) terminal.show(`${text}\n`, every / 2)
    else context.print(`${text}\n`)
    recent = make()
    out.flush()
  }

  async function showAll(out: Out, lines: readonly string[]): Promise<void> {
    if (form === 'json') {
      for (const text of recordTexts(seriesOf(overall), shape, null)) out.write(text)
      return
    }
    if (form === 'hgrm') {
      context.print(await hgrmText(seriesOf(overall), shape.form, lines))
      return
    }
    if (every > 0) context.print('all\n')
    const table = tableText(seriesOf(overall), shape, undefined, undefined)
    context.print(`${table}${table === '' ? '' : '\n'}${lines.map((line) => `${line}\n`).join('')}`)
  }

  return {
    event() {},
    record(record, out) {
      const type = words[record.row + TYPE]
      if (type === hdr) takeRow(record.line)
      else if (type === interval) takeInterval(record.line)
      else {
        if (form === 'json') out.pass(record)
        return
      }
      if (every > 0 && form === 'table') timer ??= setTimeout(() => showRecent(out), every)
    },
    async end(out) {
      clearTimeout(timer)
      const lines = said(false, overall.calls, overall.others)
      await showAll(out, lines)
      return form === 'json' ? { line: lines.join('; '), counts: countsOf([...lanes.values()], overall) } : undefined
    },
  }
}

function stateOf(worker: string, host: string, { state }: Arrivals, live: boolean): LaneState {
  const now = state()
  if (!live) return { worker, host, ...now }
  return { worker, host, ...now, partial: now.partial.filter((number) => number !== now.open), final: true }
}

/** For the summary. */
function countsOf(lanes: readonly Lane[], { calls }: Merged): Counts {
  const states = lanes.map(({ arrived }) => arrived.state())
  const sum = (of: (state: State) => number) => states.reduce((all, state) => all + of(state), 0)
  return {
    pairs: calls,
    missing_pairs: sum(({ missingPairs }) => missingPairs),
    intervals: sum(({ intervals }) => intervals),
    late_intervals: sum(({ lateCount }) => lateCount),
    repeated: sum(({ repeated }) => repeated),
    not_ended: sum(({ final }) => (final ? 0 : 1)),
  }
}

/** What is wrong is said with whose it is. */
function named({ worker, host }: Place, take: () => void): void {
  try {
    take()
  } catch (error) {
    throw error instanceof BadRecord ? new BadRecord(`${worker}, ${host}: ${error.message}`) : error
  }
}

function digestOf({ of, exact: { total, min, max }, counts }: Row): number {
  const content = digest()
  for (const [name, value] of Object.entries(of)) {
    content.text(name)
    content.text(typeof value + String(value))
  }
  content.text(total.toString())
  for (const number of [min, max]) content.number(number)
  for (const [bucket, count] of counts) {
    content.number(bucket)
    content.number(count)
  }
  return content.value()
}

function digestOfEnd({ rows, pairs, before, late, final }: Told): number {
  const content = digest()
  for (const number of [rows, pairs, before, late, final ? 1 : 0]) content.number(number)
  return content.value()
}

/** What the printing of a series looks at. */
function seriesOf({ calls, others, rows }: Merged): Series {
  return { calls, others, rows, add: () => 'merged rows take no pairs' }
}
