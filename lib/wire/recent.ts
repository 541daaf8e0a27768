/**
 * The last events of a stream, as many as a ring of bytes holds: what happened around something that turned out
 * to matter only later. An event is its line, copied, and stands in a slot; the oldest are forgotten as newer ones
 * need the room. Nothing is allocated for an event.
 */
import { LINE, LINE_END, ROW_WORDS, TIME } from '../assembly/layout.js'
import { before, wide } from './int64.js'
import { allocate, bytes, scanner, words } from './memory.js'
import { LINE_ROOM, RecordView, rescan } from './record.js'

const RING = 1 << 23
/** A slot for so many bytes: few lines of events are shorter. */
const BYTES_PER_SLOT = 64

export interface Recent {
  /** How many there may be. */
  readonly slots: number
  /** Keeps an event that has a time; answers its slot. */
  add(record: RecordView): number
  /** How many there are. */
  readonly count: number
  /** The slot of the one before which so many will be forgotten. */
  after(forgotten: number): number
  /** The slots of what is still held and lies between these times, oldest first. */
  between(since: bigint, until: bigint): number[]
  time(slot: number): bigint
  /** The event again; the view is good until the next one is asked for. */
  view(slot: number): RecordView
  /** The time of the last one that was forgotten. */
  readonly forgotten: bigint | undefined
}

export function recent(size = RING): Recent {
  const ring = allocate(size + 64)
  const row = allocate(ROW_WORDS * 4 + LINE_ROOM)
  const view = new RecordView()
  const slots = size / BYTES_PER_SLOT
  const from = new Uint32Array(slots)
  const end = new Uint32Array(slots)
  const high = new Int32Array(slots)
  const low = new Int32Array(slots)
  let oldest = 0
  let count = 0
  let at = ring
  let forgottenHigh = 0
  let forgottenLow = 0
  let forgot = false

  /** Room for `length` bytes: what stood there is forgotten. */
  function place(length: number): number {
    if (at + length > ring + size) {
      forget(at, ring + size)
      at = ring
    }
    forget(at, at + length)
    const start = at
    at += length
    return start
  }

  function forget(start: number, until: number): void {
    while (count > 0 && (from[oldest] as number) >= start && (from[oldest] as number) < until) drop()
  }

  function drop(): void {
    forgot = true
    forgottenHigh = high[oldest] as number
    forgottenLow = low[oldest] as number
    oldest = (oldest + 1) % slots
    count--
  }

  return {
    slots,
    get count() {
      return count
    },
    get forgotten() {
      return forgot ? wide(forgottenHigh, forgottenLow) : undefined
    },
    add(record) {
      record.materialise()
      const line = words[record.row + LINE] as number
      const length = (words[record.row + LINE_END] as number) - line
      const to = place(length)
      if (count === slots) drop()
      bytes.copyWithin(to, line, line + length)
      const slot = (oldest + count) % slots
      count++
      from[slot] = to
      end[slot] = to + length
      low[slot] = words[record.row + TIME] as number
      high[slot] = words[record.row + TIME + 1] as number
      return slot
    },
    after: (some) => (oldest + Math.min(some, count - 1)) % slots,
    between(since, until) {
      const [sinceHigh, sinceLow] = [Number(since >> 32n), Number(BigInt.asIntN(32, since))]
      const [untilHigh, untilLow] = [Number(until >> 32n), Number(BigInt.asIntN(32, until))]
      const found: number[] = []
      for (let i = 0; i < count; i++) {
        const slot = (oldest + i) % slots
        if (before(high[slot] as number, low[slot] as number, sinceHigh, sinceLow)) continue
        if (!before(untilHigh, untilLow, high[slot] as number, low[slot] as number)) found.push(slot)
      }
      return found
    },
    time: (slot) => wide(high[slot] as number, low[slot] as number),
    view(slot) {
      const text = row + ROW_WORDS * 4
      scanner.copy(text, from[slot] as number, end[slot] as number)
      view.row = rescan(text, text + ((end[slot] as number) - (from[slot] as number)), row)
      return view
    },
  }
}
