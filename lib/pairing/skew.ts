/**
 * Skew: two machines' clocks that disagree, seen in their pairs, so that no pair is made of the wrong two.
 *
 * Where one clock is behind, ends come before their starts: E S, not S E. Taken as they come, each start would
 * be paired with the end of the next one, and a skew of 1 ms turns a latency of 0.5 ms into the time between
 * two interrupts. An event does not tell; a stretch of them does. In the first of a hop from one machine to
 * another (LISTEN_EVENTS, or LISTEN_NS of time) an orphan end that is followed by a start of its key sooner
 * than the start is by its own end is taken for that start's end, come too early. When there are more than a
 * few of these, ends are held back by the largest such lead (and a quarter more), and starts and ends meet as they
 * happened; the difference of their times, below 0, is then the measure of the skew. A lead of up to MAX_LEAD_NS is seen.
 *
 * While a loss lasts nothing is listened to: an end whose start is missing stands before the next start as an early one
 * does. What begins in a loss is no pair in any case.
 *
 * Example: ends at 1.0 21.0 41.0, starts at 1.5 21.3 41.6 (ms): leads 0.5, 0.3 and 0.6 against 19.5 and 19.7
 * to the next end. Ends are held back by 0.6: pairs 1.5-1.0, 21.3-21.0, 41.6-41.0, all acausal.
 */

import { HAS, HAS_KEY_TEXT, HAS_TSC, KEY, ROW_WORDS, SRC, TIME } from '../assembly/layout.js'
import { difference, integer64 } from '../wire/int64.js'
import { allocate, bytes, release, words } from '../wire/memory.js'
import { RecordView } from '../wire/record.js'
import type { Values } from './carried.js'
import type { Key } from './event-key.js'
import { guests } from './guests.js'
import { type Heard, inShiftedOrder, leadOf, type Past, remember, rememberStart } from './leads.js'

/** An event of a hop, as what it comes in, with its key. */
export type Through = (record: RecordView, isStart: boolean, key: Key, local: boolean, carried: Values) => void

export interface Gate {
  /** Nothing is held: starts and ends of one machine, or clocks that agree. */
  readonly open: boolean
  take: Through
  /** All that is held goes through: a loss, or the end. */
  flush(): void
  /** Starts or ends may be missing until then: ends without a start say nothing of clocks. */
  unheard(until: bigint): void
  /** The same, and what was listened to so far counts: a mark, behind which nothing of before may come. */
  settle(): void
}

const LISTEN_EVENTS = 4096
const LISTEN_NS = 5e9
const MAX_LEAD_NS = 50e6
/** What was listened to may lack the shortest latency, which leads most. */
const MARGIN = 1.25
/** Cycles are taken for 3 GHz: the limits need no more. */
const CYCLES_PER_NS = 3

interface Held extends Heard {
  local: boolean
  carried: Values
}

const SLOT = ROW_WORDS * 4

/** A copy of the row, and of the text of its key, for when its line is gone. */
function keep(record: RecordView): number {
  const { row } = record
  const text = (words[row + HAS] as number) & HAS_KEY_TEXT
  const from = words[row + KEY] as number
  const length = text ? (words[row + KEY + 1] as number) - from : 0
  const slot = allocate(SLOT + length)
  words.copyWithin(slot >> 2, row, row + ROW_WORDS)
  if (text) {
    bytes.copyWithin(slot + SLOT, from, from + length)
    words[(slot >> 2) + KEY] = slot + SLOT
    words[(slot >> 2) + KEY + 1] = slot + SLOT + length
  }
  return slot >> 2
}

function drop(row: number): void {
  const text = (words[row + HAS] as number) & HAS_KEY_TEXT
  release(row << 2, SLOT + (text ? (words[row + KEY + 1] as number) - (words[row + KEY] as number) : 0))
}

/** `most`: after so many events it is decided. */
export function skewGate(through: Through, most = LISTEN_EVENTS): Gate {
  const view = new RecordView()
  let listening = true
  /** Enough was listened to. */
  let decided = false
  /** Events that were listened to and had to be let go. */
  let heard = 0
  let held: Held[] = []
  let next = 0
  const past: Past = { states: new Map(), losses: 0, known: guests() }
  let startSrc = -1
  let endSrc = -1
  let firstHigh = 0
  let firstLow = 0
  let perNs = 1
  /** How long ends are held back; 0: not at all. */
  let lead = 0
  let deafUntil: bigint | undefined

  function hold(record: RecordView, isStart: boolean, key: Key, local: boolean, carried: Values): void {
    const { row } = record
    if (held.length === 0 && past.states.size === 0) begin(record)
    past.known.take(row)
    held.push({ row: keep(record), isStart, key, local, carried, at: timeOf(record) })
  }

  /** Times are measured from here on. */
  function begin(record: RecordView): void {
    firstHigh = words[record.row + TIME + 1] as number
    firstLow = words[record.row + TIME] as number
    perNs = record.has(HAS_TSC) ? CYCLES_PER_NS : 1
  }

  /** It is not listened to, but its end will be. */
  function noteStart(record: RecordView, key: Key): void {
    if (past.states.size === 0) begin(record)
    past.known.take(record.row)
    rememberStart(past, record.row, key, timeOf(record))
  }

  function timeOf({ row }: RecordView): number {
    return difference(words[row + TIME + 1] as number, words[row + TIME] as number, firstHigh, firstLow)
  }

  function release1({ row, isStart, key, local, carried }: Held): void {
    view.row = row
    through(view, isStart, key, local, carried)
    drop(row)
  }

  /** What was listened to goes through, in the order in which it happened. */
  function decide(): void {
    listening = false
    const found = leadOf(held, MAX_LEAD_NS * perNs, past)
    const twoMachines = startSrc !== endSrc && startSrc >= 0 && endSrc >= 0
    if (twoMachines) lead = MARGIN * found.lead
    remember(past, found.states)
    if (decided || past.states.size > most) past.states.clear()
    const now = held.at(-1)?.at ?? 0
    const all = lead === 0 ? held : inShiftedOrder(held, lead)
    held = []
    for (const event of all) {
      if (lead > 0 && !event.isStart && event.at + lead > now) held.push(event)
      else release1(event)
    }
  }

  function passDue(now: number): void {
    while (next < held.length && (held[next] as Held).at + lead < now) release1(held[next++] as Held)
    if (next < 1024) return
    held = held.slice(next)
    next = 0
  }

  function letGo(): void {
    if (listening) decide()
    while (next < held.length) release1(held[next++] as Held)
    held = []
    next = 0
    // a few events prove no clock right
    listening = lead === 0 && !decided
    if (!listening) past.states.clear()
  }

  return {
    get open() {
      return !listening && lead === 0
    },
    take(record, isStart, key, local, carried) {
      if (listening && deafUntil !== undefined) {
        if (integer64(record.row + TIME) < deafUntil) {
          if (isStart) noteStart(record, key)
          through(record, isStart, key, local, carried)
          return
        }
        deafUntil = undefined
      }
      if (listening) {
        const src = words[record.row + SRC] as number
        if (isStart) startSrc = startSrc < 0 || startSrc === src ? src : startSrc
        else endSrc = endSrc < 0 || endSrc === src || endSrc === startSrc ? src : endSrc
        hold(record, isStart, key, local, carried)
        const last = held.at(-1) as Held
        // one machine has one clock
        const same = startSrc === endSrc && startSrc >= 0 && held.length > 64
        if (!same && heard + held.length < most && last.at - (held[0] as Held).at <= LISTEN_NS * perNs) return
        decided = true
        decide()
        return
      }
      passDue(timeOf(record))
      if (isStart) through(record, true, key, local, carried)
      else hold(record, false, key, local, carried)
    },
    unheard(until) {
      if (deafUntil === undefined || until > deafUntil) deafUntil = until
    },
    flush() {
      letGo()
      past.losses++
    },
    settle() {
      if (listening) heard += held.length
      if (heard >= most) decided = true
      letGo()
    },
  }
}
