/**
 * Slots: the starts of each key. Most keys have one slot, which is kept when its start is closed; a further one is for
 * another guest's start, or a place in the queue (fifo, lifo), the oldest first.
 */
import type { Key } from './event-key.js'
import type { Guests } from './guests.js'
import { makeStart, type OpenStart } from './open-starts.js'

export type Policy = 'last' | 'first' | 'fifo' | 'lifo'

export interface Slots {
  /** The oldest one of a key. */
  first(hop: number, key: Key): OpenStart | undefined
  /** The slot for a start that concerns this guest (0: any); an open one is to be replaced. */
  forStart(hop: number, key: Key, vm: number): OpenStart
  /** The open start that an end of this guest closes. */
  forEnd(hop: number, key: Key, vm: number): OpenStart | null
  /** A start of this key has been closed by its end. */
  closed(start: OpenStart): void
  /** Takes closed starts out of the key's list; the last one stays, for the next start of that key. */
  sweep(start: OpenStart): void
}

/**
 * So many keys may have no open start; beyond them a key goes with its last one. Ever new keys that stayed
 * for a while would be garbage of the kind that V8 collects late.
 */
const KEPT_KEYS = 1024

/** `most`: slots that are kept to be used again. */
export function slots(hops: number, policy: Policy, known: Guests, most: number): Slots {
  const queues = policy === 'fifo' || policy === 'lifo'
  const tables = Array.from({ length: hops }, () => new Map<Key, OpenStart>())
  const spare: OpenStart[] = []

  const tableOf = (hop: number) => tables[hop] as Map<Key, OpenStart>

  function make(hop: number, key: Key): OpenStart {
    const start = spare.pop()
    if (start === undefined) return makeStart(hop, key)
    start.hop = hop
    start.key = key
    return start
  }

  /** Answers what came behind it. */
  function discard(start: OpenStart): OpenStart {
    const { other } = start
    start.other = null
    if (spare.length < most) spare.push(start)
    return other as OpenStart
  }

  function another(first: OpenStart, vm: number): OpenStart {
    let last = first
    for (let at: OpenStart | null = first; at; at = at.other) {
      if (!queues && known.of(at.vm, at.src) === vm) return at
      last = at
    }
    const slot = make(first.hop, first.key)
    last.other = slot
    return slot
  }

  function sweep({ hop, key }: OpenStart): void {
    const table = tableOf(hop)
    let first = table.get(key) as OpenStart
    for (; first.other && !first.open; first = discard(first));
    table.set(key, first)
    for (let at = first; at.other; ) {
      if (at.other.open) at = at.other
      else at.other = discard(at.other)
    }
    if (table.size <= KEPT_KEYS || first.open) return
    table.delete(key)
    discard(first)
  }

  return {
    first: (hop, key) => tableOf(hop).get(key),
    forStart(hop, key, vm) {
      const table = tableOf(hop)
      const first = table.get(key)
      if (first) return first.open && (queues || known.of(first.vm, first.src) !== vm) ? another(first, vm) : first
      const made = make(hop, key)
      table.set(key, made)
      return made
    },
    forEnd(hop, key, vm) {
      const first = tableOf(hop).get(key)
      if (first === undefined) return null
      if (first.other === null) return first.open && !known.apart(first.vm, first.src, vm) ? first : null
      let found: OpenStart | null = null
      for (let at: OpenStart | null = first; at; at = at.other) {
        if (!at.open || known.apart(at.vm, at.src, vm)) continue
        if (policy === 'fifo') return at
        if (found === null || policy === 'lifo' || at.turn > found.turn === (policy === 'last')) found = at
      }
      return found
    },
    closed(start) {
      const table = tableOf(start.hop)
      if (start.other || table.size > KEPT_KEYS || table.get(start.key) !== start) sweep(start)
    },
    sweep,
  }
}
