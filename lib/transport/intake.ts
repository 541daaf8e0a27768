/**
 * Intake: the lines that came, put down in the ledger and passed on under the receiver's name, and what did not
 * come said between them.
 */
import {
  HAS,
  HAS_TS,
  HAS_TSC,
  LINE,
  LINE_END,
  OWN,
  REASON,
  REASON_AT,
  REASON_NOT_OBJECT,
  TEXT_CONTROL,
  TIME,
  TYPE,
} from '../assembly/layout.js'
import { comment } from '../wire/comment.js'
import { wide } from '../wire/int64.js'
import { bytes, scanner, words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import { RecordView } from '../wire/record.js'
import { type Ledger, ledger, type Told } from './ledger.js'
import type { Lines } from './lines.js'
import { type Mark, markReader } from './mark.js'
import { json, text } from './session.js'
import type { SourceName } from './source-name.js'

type Time = bigint | undefined

/** Where a worker stands (vmpipe-wire(5)) is for itself to say: no sender makes pair take events for ones read again. */
const OF_WORKERS = ['mark', 'replay']

export interface Intake {
  readonly book: Ledger
  /** Which lines these are; how a loss is said depends on it. */
  lines: Lines
  /** Losses of unknown size so far. */
  readonly unknown: number
  /** The sender's counts made no sense. */
  readonly doubted: boolean
  /** A sound row. Answers what is wrong with its line, which is left out then, though it is counted: it came. */
  row(row: number): string | undefined
  /** An interruption, before a line of the time `to`. */
  gap(told: Told, to: Time): void
}

/** Bytes of a record that is written anew: its text may grow many times (1e20 has 21 digits). */
const MAX_REWRITTEN = 1 << 15
const REWRITTEN = ['stream', 'clock', 'end', 'chain']

/** Names that one sender may bring: whoever reads several has room for 8192 in all. */
const MAX_NAMES = 2048

/** `names`: further ones that this process may remember. */
export function intake(naming: SourceName, out: Out, names = MAX_NAMES): Intake {
  const book = ledger()
  const rewritten = new Set(REWRITTEN.map(idOf))
  const chain = idOf('chain')
  const readMark = markReader()
  const ofWorkers = new Set(OF_WORKERS.map(idOf))
  const view = new RecordView()
  scanner.limitNames(names)
  let lines: Lines = 'records'
  let unknown = 0
  let doubted = false
  // the time of the last event, as row words, and at the last mark
  let lastHas = 0
  let lastHigh = 0
  let lastLow = 0
  let markTime: Time
  /** Text begins with a comment: so whoever reads it knows that it came over a channel. */
  let headed = false
  /** Lines that had been received when the session began. */
  let sessionAt = 0

  function lastTime(): Time {
    if (!lastHas) return undefined
    const time = wide(lastHigh, lastLow)
    return lastHas & HAS_TSC ? BigInt.asUintN(64, time) : time
  }

  function lost(count: number | undefined, from: Time, to: Time): void {
    if (count === undefined) unknown++
    const members = { src: naming.only, count, from: from?.toString(), to: to?.toString() }
    headed ||= lines === 'text'
    out.write((lines === 'text' ? text : json).lost(members))
  }

  function tell({ missing, unknown: tail, doubt }: Told, from: Time, to: Time): void {
    if (tail) lost(undefined, from, to)
    if (missing > 0) lost(missing, from, to)
    if (doubt) doubted = true
  }

  /** A loss that is noticed without an interruption lies between the last mark and this one. */
  function takeMark({ time }: RecordView, { kind, session, sent }: Mark): void {
    if (kind === 'stream' && session !== book.session) sessionAt = book.received
    const told = book.mark(session, sent)
    const last = lastTime()
    tell(told, markTime, time !== undefined && (last === undefined || time > last) ? time : last)
    if (kind === 'end') book.end()
    markTime = last
  }

  /**
   * A record that is not counted. Its count was of this channel: a record goes on without it (filters may follow),
   * a comment with that of the lines that go on.
   */
  function passControl(record: RecordView, mark: Mark | null): void {
    if (lines === 'records') {
      const { sent: _, ...members } = record.members
      out.write(JSON.stringify(naming.named(members)))
    } else if (mark && mark.kind !== 'stream') {
      headed = true
      out.write(comment(mark.kind, { session: mark.session, sent: book.received - sessionAt }))
    } else passText(record.row)
  }

  /** Text is no record, to whoever takes it for one. A line that would be one might say that it is the host's. */
  function passText(row: number): string | undefined {
    words[row + REASON] = REASON_NOT_OBJECT
    let at = words[row + LINE] as number
    while (bytes[at] === 32 || bytes[at] === 9 || bytes[at] === 13) at++
    if (bytes[at] === 123) return 'a record between lines of text'
    if (!headed && words[row + OWN] !== TEXT_CONTROL) out.write(comment('stream', { version: 1 }))
    headed = true
    words[row + REASON_AT] = at
    view.row = row
    out.pass(view)
    return undefined
  }

  function isTooLong(row: number): boolean {
    const length = (words[row + LINE_END] as number) - (words[row + LINE] as number)
    return length > MAX_REWRITTEN && rewritten.has(words[row + TYPE] as number)
  }

  function control(record: RecordView): void {
    const mark = readMark(record)
    if (mark === undefined) {
      book.line()
      if (!ofWorkers.has(words[record.row + TYPE] as number)) naming.pass(record, out)
      return
    }
    if (mark) takeMark(record, mark)
    passControl(record, mark)
  }

  return {
    book,
    get lines() {
      return lines
    },
    set lines(now) {
      lines = now
    },
    get unknown() {
      return unknown
    },
    get doubted() {
      return doubted
    },
    row(row) {
      view.row = row
      view.renderer = null
      const own = words[row + OWN] as number
      if (isTooLong(row)) {
        if (words[row + TYPE] === chain) book.line()
        return `a stream, clock, end or chain record is longer than ${MAX_REWRITTEN} bytes`
      }
      if (words[row + TYPE] !== 0 || own > 1) {
        control(view)
        return undefined
      }
      book.line()
      if (own !== 0) return passText(row)
      const has = (words[row + HAS] as number) & (HAS_TS | HAS_TSC)
      if (has) {
        lastHas = has
        lastHigh = words[row + TIME + 1] as number
        lastLow = words[row + TIME] as number
      }
      naming.pass(view, out)
      return undefined
    },
    gap: (told, to) => tell(told, lastTime(), to),
  }
}
