/**
 * The pair record: filled into a row, rendered by the scanner's module when its line is wanted.
 *
 *     {"type":"pair","start":"a","end":"b","key":7,"start_ts":"10","end_ts":"25","delta_ns":15,
 *      "start_cpu":0,"start_pid":12,"end_cpu":1,"end_pid":0,"start_src":"host","end_src":"guest","vm":"vm1"}
 *
 * Where one machine saw both, `src` says so once.
 */
import {
  CPU,
  DELTA,
  END,
  EVENT,
  HAS,
  HAS_CPU,
  HAS_DELTA_NS,
  HAS_DELTA_TSC,
  HAS_KEY_INTEGER,
  HAS_KEY_TEXT,
  HAS_KEY_UNSIGNED,
  HAS_PID,
  HAS_TS,
  HAS_TSC,
  KEY,
  PAIR_HEAD,
  PAIR_START_CPU,
  PAIR_START_HAS,
  PAIR_START_PID,
  PAIR_START_TIME,
  PAIR_TAIL,
  PID,
  ROW_WORDS,
  SRC,
  START,
  TIME,
  TYPE,
  VM,
} from '../assembly/layout.js'
import { allocate, bytes, scanner, words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import { RecordView, type Renderer } from '../wire/record.js'
import type { OpenStart } from './open-starts.js'

const pairRenderer: Renderer = {
  render: (row, to) => scanner.putPair(to, row << 2),
}

/** Writes a filled row; `more`: members that its record has beside, as JSON text. */
export function pairWriter(): (out: Out, row: number, more: string) => void {
  const view = new RecordView()
  return (out, row, more) => {
    if (more === '') {
      out.emit(row, pairRenderer)
      return
    }
    view.row = row
    view.renderer = pairRenderer
    out.append(view, more)
  }
}

interface Span {
  from: number
  end: number
}

/** Fills one row again and again; answers it as a word index. */
export function pairRow(): (start: OpenStart, end: RecordView, delta: number) => number {
  const row = allocate(ROW_WORDS * 4) >> 2
  words.fill(0, row, row + ROW_WORDS)
  const type = idOf('pair')
  const spans = new Map<string, Span>()
  let lastStart = -1
  let lastEnd = -1
  let head: Span = { from: 0, end: 0 }
  let lastSources = -1
  let tail: Span = { from: 0, end: 0 }

  function span(text: string): Span {
    const known = spans.get(text)
    if (known) return known
    const length = Buffer.byteLength(text)
    const from = allocate(length)
    bytes.write(text, from, 'utf8')
    const made = { from, end: from + length }
    spans.set(text, made)
    return made
  }

  function names(start: number, end: number): void {
    if (start === lastStart && end === lastEnd) return
    lastStart = start
    lastEnd = end
    head = span(`{"type":"pair","start":${JSON.stringify(nameOf(start))},"end":${JSON.stringify(nameOf(end))}`)
  }

  function sources(start: number, end: number, vm: number): void {
    // ids of names have 13 bits
    const all = (start * 8192 + end) * 8192 + vm
    if (all === lastSources) return
    lastSources = all
    const seen =
      start === end
        ? ([['src', end]] as const)
        : ([
            ['start_src', start],
            ['end_src', end],
          ] as const)
    const members = [...seen, ['vm', vm]] as const
    tail = span(`${members.map(([name, id]) => (id ? `,"${name}":${JSON.stringify(nameOf(id))}` : '')).join('')}}`)
  }

  return (start, { row: end }, delta) => {
    const has = words[end + HAS] as number
    const vm = (words[end + VM] as number) || start.vm
    names(start.event, words[end + EVENT] as number)
    sources(start.src, words[end + SRC] as number, vm)
    words[row + TYPE] = type
    words[row + HAS] =
      (has & (HAS_TS | HAS_TSC | HAS_CPU | HAS_PID | HAS_KEY_INTEGER | HAS_KEY_TEXT | HAS_KEY_UNSIGNED)) |
      (has & HAS_TS ? HAS_DELTA_NS : HAS_DELTA_TSC)
    words[row + START] = start.event
    words[row + END] = words[end + EVENT] as number
    words[row + SRC] = start.src === (words[end + SRC] as number) ? start.src : 0
    words[row + VM] = vm
    words[row + TIME] = words[end + TIME] as number
    words[row + TIME + 1] = words[end + TIME + 1] as number
    words[row + CPU] = words[end + CPU] as number
    words[row + PID] = words[end + PID] as number
    words[row + KEY] = words[end + KEY] as number
    words[row + KEY + 1] = words[end + KEY + 1] as number
    words[row + DELTA] = delta >>> 0
    words[row + DELTA + 1] = Math.floor(delta / 0x1_0000_0000)
    words[row + PAIR_START_TIME] = start.low
    words[row + PAIR_START_TIME + 1] = start.high
    words[row + PAIR_START_CPU] = start.cpu
    words[row + PAIR_START_PID] = start.pid
    words[row + PAIR_START_HAS] = start.has
    words[row + PAIR_HEAD] = head.from
    words[row + PAIR_HEAD + 1] = head.end
    words[row + PAIR_TAIL] = tail.from
    words[row + PAIR_TAIL + 1] = tail.end
    return row
  }
}
