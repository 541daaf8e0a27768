/**
 * Open starts: what is held of the starts that wait for their end. One table a hop; a list in order of age
 * over all of them bounds what is held, in number and in time.
 *
 * A start's object is kept with its key when it is closed and used for the next one: a stream of a few keys
 * allocates nothing.
 */
import type { Values } from './carried.js'
import type { Key } from './event-key.js'

export interface OpenStart {
  open: boolean
  /** Counts the starts of all keys as they came: equal times do not tell which is the newer. */
  turn: number
  hop: number
  /** `ts` or `tsc`, 64 bits. */
  low: number
  high: number
  event: number
  cpu: number
  pid: number
  src: number
  vm: number
  /** HAS bits of the start's line (time unit, cpu, pid). */
  has: number
  /** The mark (vmpipe-wire(5)) that stood before it. */
  since: number
  /** Events may be missing since: its end is not to be trusted. */
  unsafe: boolean
  /** Its key is a pid or cpu of this src alone, or it is given by the user and means the same everywhere. */
  local: boolean
  /** What its pair is to tell of it. */
  carried: Values
  key: Key
  /** Further starts of the same key: queued ones (fifo, lifo), or of another vm. */
  other: OpenStart | null
  /** Neighbours in age. */
  older: OpenStart | null
  newer: OpenStart | null
}

const nothing: Values = []

export function makeStart(hop: number, key: Key): OpenStart {
  return {
    open: false,
    turn: 0,
    hop,
    low: 0,
    high: 0,
    event: 0,
    cpu: 0,
    pid: 0,
    src: 0,
    vm: 0,
    has: 0,
    since: 0,
    unsafe: false,
    local: false,
    carried: nothing,
    key,
    other: null,
    older: null,
    newer: null,
  }
}

/** All open starts, oldest first. */
export interface Ages {
  readonly size: number
  readonly oldest: OpenStart | null
  add(start: OpenStart): void
  remove(start: OpenStart): void
  /** Was added again: it is the newest. */
  renew(start: OpenStart): void
}

export function ages(): Ages {
  let oldest: OpenStart | null = null
  let newest: OpenStart | null = null
  let size = 0
  let turn = 0

  function append(start: OpenStart): void {
    start.turn = ++turn
    start.older = newest
    start.newer = null
    if (newest) newest.newer = start
    else oldest = start
    newest = start
  }

  function unlink({ older, newer }: OpenStart): void {
    if (older) older.newer = newer
    else oldest = newer
    if (newer) newer.older = older
    else newest = older
  }

  return {
    get size() {
      return size
    },
    get oldest() {
      return oldest
    },
    add(start) {
      start.open = true
      size++
      append(start)
    },
    remove(start) {
      start.open = false
      size--
      unlink(start)
      start.older = null
      start.newer = null
    },
    renew(start) {
      if (newest === start) return
      unlink(start)
      append(start)
    },
  }
}
