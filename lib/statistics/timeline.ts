/**
 * Latency over time: a line for each interval, its distribution drawn beside it, so that a change stands out as one
 * looks down the lines. Printed as soon as an interval is over; one interval is held.
 *
 *        from     calls      min(us)      p50(us)      p99(us)      max(us) 1us  32us 1ms  32ms 1s
 *       270.0         4      120.175      182.011      225.407      225.407 |        =@               |
 *
 * Intervals lie on a grid of trace time: those of 500ms begin at 270.0, 270.5, ... A column of the drawing is a power
 * of two (1us is 1,024 ns), the same in every line and every run; below 1 us and above 17 s it is the outermost one.
 * Its sign says how many of the line's calls have it: ten steps from none to all.
 */
import { TIME } from '../assembly/layout.js'
import type { Pen } from '../drawing/colour.js'
import { seconds } from '../drawing/event-line.js'
import { oneLine, short } from '../drawing/visible.js'
import { difference, wide } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import type { Histogram } from './histogram.js'
import { bare } from './latency-table.js'
import type { LatencyRow, Series } from './series.js'
import { exactThousandths, perUnit, type TimeUnit } from './time-text.js'

export interface Timeline {
  /** A pair with a time in ns, in order of these. */
  add(record: RecordView): void
  /** The last interval; answers whether there was any. */
  end(): boolean
}

const FIRST_POWER = 9
const COLUMNS = 26
const SHADES = ' .:-=+*#%@'
/** Intervals without a pair that get a line each; of more, their number is told. */
const EMPTY_LINES = 3
/** What gives way first where the terminal is narrow stands first. */
const FIGURES = ['min', 'p50', 'p99', 'max'] as const
/** Columns of a line without figures and name, of a figure, and what a name is given of a narrow terminal. */
const FRAME = 53
const FIGURE = 13
const NAME = 16

export interface Look {
  unit: TimeUnit
  pen: Pen
  /** Of the terminal; where there is none, as many as it takes. */
  columns: number
}

export function timeline(interval: number, look: Look, make: () => Series, print: (text: string) => void): Timeline {
  const step = BigInt(interval)
  const digits = digitsOf(step)
  let stretch: Series | null = null
  let from = 0n
  let fromHigh = 0
  let fromLow = 0

  function begin(at: bigint): void {
    from = at
    fromHigh = Number(at >> 32n)
    fromLow = Number(at & 0xffff_ffffn)
    stretch = make()
  }

  function label(at: bigint): string {
    return upTo(seconds(at, 9), digits).padStart(14)
  }

  function show(): void {
    for (const row of stretch?.rows ?? []) print(`${label(from)} ${figures(row, look)}\n`)
  }

  /** What lies between the interval that ended and the one that begins. */
  function gap(until: bigint): void {
    const empty = (until - from) / step - 1n
    if (empty > EMPTY_LINES) print(`${' '.repeat(14)} ${`${empty} without a pair`.padStart(23)}\n`)
    else for (let at = from + step; at < until; at += step) print(`${label(at)} ${'0'.padStart(8)}\n`)
  }

  return {
    add(record) {
      const high = words[record.row + TIME + 1] as number
      const low = words[record.row + TIME] as number
      if (stretch === null || difference(high, low, fromHigh, fromLow) >= interval) {
        const time = wide(high, low)
        const next = time - (((time % step) + step) % step)
        if (stretch === null) print(`${'from'.padStart(14)} ${heading(look)}\n`)
        else {
          show()
          gap(next)
        }
        begin(next)
      }
      stretch?.add(record)
    },
    end() {
      show()
      return stretch !== null
    },
  }
}

/** Digits that a multiple of the step can have after the point. */
function digitsOf(step: bigint): number {
  let digits = 9
  for (let rest = step; digits > 0 && rest % 10n === 0n; rest /= 10n) digits--
  return digits
}

function upTo(text: string, digits: number): string {
  return digits === 0 ? text.slice(0, -10) : text.slice(0, text.length - 9 + digits)
}

/** The figures that the terminal has room for; the largest always. */
function figuresOf({ columns }: Look): readonly (typeof FIGURES)[number][] {
  const room = Math.floor((columns - FRAME - NAME) / FIGURE)
  return FIGURES.slice(-Math.max(1, Math.min(FIGURES.length, room)))
}

function heading(look: Look): string {
  const { unit } = look
  const names = figuresOf(look)
    .map((name) => `${name}(${unit})`.padStart(12))
    .join(' ')
  const scale = ['1us', '32us', '1ms', '32ms', '1s'].map((name) => name.padEnd(5)).join('')
  return `${'calls'.padStart(8)} ${names}   ${scale.trimEnd()}`
}

function figures({ histogram: h, start, end, labels }: LatencyRow, look: Look): string {
  const times = { min: h.min, p50: h.percentile(50), p99: h.percentile(99), max: h.max }
  const shown = figuresOf(look)
  const columns = shown.map((name) => exactThousandths(BigInt(times[name]), perUnit[look.unit]).padStart(12)).join(' ')
  const room = Math.max(1, look.columns - FRAME - FIGURE * shown.length)
  const path = start === '' ? 'all' : `${bare(start)} => ${bare(end)}`
  const name = `${path}${labels.length === 0 ? '' : `, key ${labels.join(' ')}`}`
  return `${String(h.calls).padStart(8)} ${columns} |${shades(h, look.pen)}| ${Number.isFinite(room) ? short(name, room) : oneLine(name)}`
}

/** The share of the calls in each power of two. */
function shades(h: Histogram, { heat }: Pen): string {
  const counts = new Array<number>(COLUMNS).fill(0)
  for (const [value, count] of h.buckets()) {
    const power = value < 1 ? 0 : Math.floor(Math.log2(value))
    const column = Math.min(COLUMNS - 1, Math.max(0, power - FIRST_POWER))
    counts[column] = (counts[column] as number) + count
  }
  const steps = counts.map((count) => Math.ceil((count / h.calls) * (SHADES.length - 1)))
  return steps.map((step) => heat(SHADES[step] as string, step)).join('')
}
