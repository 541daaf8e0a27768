/**
 * Settling: what comes first on a channel that was taken up again is held until a record tells the count. So a loss
 * is told before the lines that came after it, and none is told where nothing was lost. What is held is bounded in
 * bytes and time; then the lines go on, and the loss is one of unknown size.
 */
import {
  HAS,
  HAS_BROKEN,
  HAS_TS,
  HAS_TSC,
  LINE,
  LINE_END,
  OWN,
  REASON,
  ROW_WORDS,
  TEXT_CONTROL,
} from '../assembly/layout.js'
import { allocate, bytes, latin1, release, scanner, words } from '../wire/memory.js'
import { RecordView } from '../wire/record.js'
import { PIPE_READ, type Source } from '../wire/source.js'
import { type Lines, linesIn, scanOf } from './lines.js'
import { type Mark, markReader } from './mark.js'

export interface Settled {
  /** The whole of the source, what was held included. */
  source: Source
  lines: Lines
  /** Something came. */
  some: boolean
  /** There is no more than what was held. */
  ended: boolean
  /** The first record that tells the count, and how many lines that are counted came before it. */
  mark?: Mark | undefined
  counted: number
  /** The time of the first event. */
  first: bigint | undefined
}

export interface Hold {
  bytes: number
  ms: number
}

const ROWS = 512
const ROOM = 64

/** Reads until it is known what lines these are and, with `hold`, how many were sent. */
export async function settle(source: Source, hold: Hold | null): Promise<Settled> {
  const size = (hold?.bytes ?? PIPE_READ) + PIPE_READ + ROOM
  const room = allocate(size)
  const seen = finder()
  let have = 0
  let lines: Lines | undefined
  let reading: Promise<number> | null = null
  let timer: NodeJS.Timeout | undefined
  let late: Promise<'late'> | undefined
  let ended = false

  while (have < size - PIPE_READ - ROOM) {
    reading = Promise.resolve(source.read(room + have, PIPE_READ))
    const n = await (late ? Promise.race([reading, late]) : reading)
    if (n === 'late') break
    reading = null
    have += n
    ended = n === 0
    late ??= new Promise((resolve) => {
      timer = setTimeout(() => resolve('late'), hold?.ms ?? 2 ** 30)
    })
    const whole = room + bytes.subarray(room, room + have).lastIndexOf(10) + 1
    lines ??= linesIn(latin1(room, ended ? room + have : whole), ended)
    if (lines && (seen.look(room, wholeLines(whole, room + have, ended && lines === 'records'), lines) || !hold)) break
    if (ended) break
  }
  clearTimeout(timer)
  const held = Buffer.from(bytes.subarray(room, room + have))
  const whole = { room: room + have, reading, free: () => release(room, size) }
  return { source: again(source, held, whole), lines: lines ?? 'records', some: have > 0, ended, ...seen.found() }
}

/** Where whole lines end; with `tail` the last one may lack its newline. */
function wholeLines(whole: number, end: number, tail: boolean): number {
  if (!tail || whole === end) return whole
  bytes[end] = 10
  return end + 1
}

/** Goes through lines for the first mark. */
function finder() {
  const readMark = markReader()
  const view = new RecordView()
  const rows = allocate(ROWS * ROW_WORDS * 4)
  let at = 0
  let counted = 0
  let first: bigint | undefined
  let mark: Mark | undefined

  function take(row: number, isFirst: boolean): boolean {
    view.row = row
    if (words[row + REASON] !== 0 || (isFirst && !isWhole(row))) return false
    const found = readMark(view)
    if (found) {
      mark = found
      return true
    }
    if (found === undefined) {
      counted++
      if ((words[row + HAS] as number) & (HAS_TS | HAS_TSC)) first ??= view.time
    }
    return false
  }

  return {
    look(from: number, whole: number, lines: Lines): boolean {
      const scan = scanOf(lines) ?? scanner.scan
      at ||= from
      while (at < whole) {
        const isFirst = at === from
        const count = scan(at, whole, rows, ROWS, false)
        at = scanner.scannedTo()
        for (let i = 0; i < count; i++) if (take((rows >> 2) + i * ROW_WORDS, isFirst && i === 0)) return true
        if (count === 0) break
      }
      return false
    },
    found() {
      release(rows, ROWS * ROW_WORDS * 4)
      return { mark, counted, first }
    },
  }
}

/** `  comm-pid  [cpu] flags time: `: the kernel puts the dash behind 16 columns, whatever comes before. */
const WHOLE_TEXT = /^.{16}-\d+ +(?:\([ \d-]+\) +)?\[\d+\] .*\d: |^CPU:\d+ \[LOST /s

/** Is a row the whole of a line, though its beginning may not have been seen, or its end (`tail`)? */
export function isWhole(row: number, tail = false): boolean {
  const own = words[row + OWN] as number
  if (own === 0) return ((words[row + HAS] as number) & HAS_BROKEN) === 0
  if (tail) return false
  return own === TEXT_CONTROL || WHOLE_TEXT.test(latin1(words[row + LINE] as number, words[row + LINE_END] as number))
}

interface Rest {
  /** A read that is under way, and where it puts its bytes. */
  reading: Promise<number> | null
  room: number
  free(): void
}

/** The source with what was read of it put back. */
function again(source: Source, held: Buffer, rest: Rest): Source {
  let at = 0
  let { reading } = rest
  if (!reading) rest.free()

  async function pending(to: number): Promise<number> {
    const n = await (reading as Promise<number>)
    reading = null
    bytes.copyWithin(to, rest.room, rest.room + n)
    rest.free()
    return n
  }

  return {
    name: source.name,
    live: source.live,
    read(to, max) {
      if (at === held.length) return reading ? pending(to) : source.read(to, max)
      const n = Math.min(max, held.length - at)
      held.copy(bytes, to, at, at + n)
      at += n
      return n
    },
    stop: () => source.stop(),
    close: () => source.close(),
  }
}
