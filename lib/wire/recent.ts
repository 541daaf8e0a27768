/**
 * The last events of a stream, as many as a ring of bytes holds: what happened around something that turned out
 * to matter only later. An event is its line, copied; the oldest are forgotten as newer ones need the room.
 */
import { LINE, LINE_END, ROW_WORDS, TIME } from '../assembly/layout.js'
import { integer64 } from './int64.js'
import { allocate, bytes, scanner, words } from './memory.js'
import { LINE_ROOM, RecordView, rescan } from './record.js'

export const RING = 1 << 23

export interface Kept {
  from: number
  end: number
  time: bigint
}

export interface Recent<K extends Kept> {
  /** Keeps an event that has a time. */
  add(record: RecordView): K
  /** What is still held, oldest first. */
  held(): Iterable<K>
  /** The event again; the view is good until the next one is asked for. */
  view(event: K): RecordView
  /** The time of the last one that was forgotten. */
  readonly forgotten: bigint | undefined
}

/** `make`: what more the user of the ring wants to know of an event. */
export function recent<K extends Kept>(make: (kept: Kept) => K, size = RING): Recent<K> {
  const ring = allocate(size + 64)
  const row = allocate(ROW_WORDS * 4 + LINE_ROOM)
  const view = new RecordView()
  let kept: K[] = []
  let first = 0
  let at = ring
  let forgotten: bigint | undefined

  /** Room for `length` bytes: what stood there is forgotten. */
  function place(length: number): number {
    if (at + length > ring + size) {
      forget(at, ring + size)
      at = ring
    }
    forget(at, at + length)
    const from = at
    at += length
    return from
  }

  function forget(from: number, end: number): void {
    for (; first < kept.length; first++) {
      const { from: start, time } = kept[first] as K
      if (start < from || start >= end) break
      forgotten = time
    }
    if (first < 4096) return
    kept = kept.slice(first)
    first = 0
  }

  return {
    get forgotten() {
      return forgotten
    },
    add(record) {
      record.materialise()
      const line = words[record.row + LINE] as number
      const end = words[record.row + LINE_END] as number
      const length = end - line
      const from = place(length)
      bytes.copyWithin(from, line, end)
      const event = make({ from, end: from + length, time: integer64(record.row + TIME) })
      kept.push(event)
      return event
    },
    *held() {
      for (let i = first; i < kept.length; i++) yield kept[i] as K
    },
    view(event) {
      const text = row + ROW_WORDS * 4
      scanner.copy(text, event.from, event.end)
      view.row = rescan(text, text + (event.end - event.from), row)
      return view
    },
  }
}
