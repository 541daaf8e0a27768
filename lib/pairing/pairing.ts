/**
 * Pairing: a start and the end that belongs to it, by key, over events that come in the order of time.
 *
 * State per key: the open starts. An end closes one; what happens to all the others is counted, and the
 * account closes on every input:
 *
 *     starts = pairs + replaced + expired + evicted + lost + acausal + open
 *     ends   = pairs + orphans + acausal      (`foreign` ends are in neither)
 *
 * Example: starts at 10 and 20 and an end at 25, same key, policy `last`: one pair of 5, one replaced.
 * With `first` one pair of 15 and one replaced; with `fifo` a pair of 15 and one open; with `lifo` a pair of
 * 5 and one open.
 *
 * A loss in a src makes unsafe every start that was open then, or opens before the loss is over: its end, or
 * a newer start, may be among what is missing. Such a start is `lost`, and its end an orphan.
 */
import { CPU, EVENT, HAS, HAS_PID, HAS_TS, HAS_TSC, PID, SRC, TIME, VM } from '../assembly/layout.js'
import { difference } from '../wire/int64.js'
import type { Loss } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import type { Account, ClosedAccount } from './account.js'
import type { Carried, Values } from './carried.js'
import { eventKey, isIdle, type Key } from './event-key.js'
import { guests } from './guests.js'
import { type Hop, rolesOf } from './hops.js'
import { lastEnds } from './last-ends.js'
import { ages, makeStart, type OpenStart } from './open-starts.js'
import { type Gate, skewGate } from './skew.js'
import { tally } from './tally.js'

export type Policy = 'last' | 'first' | 'fifo' | 'lifo'

export interface PairingOptions {
  policy: Policy
  /** Units of the events' own clock; Infinity: none. */
  timeout: number
  maxOpen: number
  /** The key of an event where the user said `--by`; undefined: this event has none. */
  by: ((record: RecordView) => Key | undefined) | null
  /** What a pair tells of its events. */
  carried: Carried | null
  /** One of many nodes: after so many events its clocks are judged, and a loss is of all its machines. */
  listen?: number
}

export interface Sink {
  /** `end` is the view of the end event; `delta` its time less the start's, in their unit. */
  pair(hop: Hop, start: OpenStart, end: RecordView, delta: number, carried: Values): void
  acausal(hop: Hop, start: OpenStart, end: RecordView, delta: number): void
  /** Start and end have times that cannot be compared (cycles of two machines, or cycles and ns). */
  incomparable(start: OpenStart, end: RecordView): void
  /** An event of a hop that has no time or no key. */
  unusable(record: RecordView, what: string): void
}

export interface Pairing {
  event(record: RecordView): void
  /**
   * Events are missing. Answers false where a pair of that machine went out already that ended after the loss began:
   * this loss was told too late to keep it back.
   */
  loss(loss: Loss): boolean
  /** A mark stands here. Answers behind which one all lies that is held open. */
  mark(seq: number): number
  /** What was read so far is another's account: this one begins with the starts that are open, uncounted. */
  resume(): void
  /** What is held goes through: the stream is over. */
  flush(): void
  /** What was counted so far; it closes. */
  account(): ClosedAccount
}

export const UNIT = HAS_TS | HAS_TSC

/**
 * So many keys may have no open start; beyond them a key goes with its last one. Ever new keys that stayed
 * for a while would be garbage of the kind that V8 collects late.
 */
const KEPT_KEYS = 1024

const nothing: Values = []

export function pairing(hops: readonly Hop[], options: PairingOptions, sink: Sink): Pairing {
  const { policy, timeout, maxOpen, by, carried } = options
  const queues = policy === 'fifo' || policy === 'lifo'
  const roles = rolesOf(hops)
  const tables = hops.map(() => new Map<Key, OpenStart>())
  const sides = tally(hops)
  let foreignBefore = 0
  let marked = 0
  let lossSeen = false
  const ended = lastEnds()
  const keys = eventKey(by)
  const known = guests()
  const age = ages()
  /** Discarded ones, to be used again. */
  const spare: OpenStart[] = []
  const losses: { src: number; cpu: number | undefined; until: bigint; since: number }[] = []
  const account: Account = {
    starts: 0,
    ends: 0,
    pairs: 0,
    replaced: 0,
    expired: 0,
    evicted: 0,
    lost: 0,
    acausal: 0,
    orphans: 0,
    foreign: 0,
  }
  const gates = hops.map(({ index }) =>
    skewGate((record, isStart, key, local, carried) => {
      outlive(record)
      if (isStart) onStart(record, index, key, local, carried)
      else onEnd(record, index, key, carried)
    }, options.listen),
  )

  /** What the event finds too old. One that was listened to comes later than it happened, and so does its start. */
  function outlive({ row }: RecordView): void {
    if (timeout !== Number.POSITIVE_INFINITY) expire(words[row + TIME + 1] as number, words[row + TIME] as number)
  }

  function expire(high: number, low: number): void {
    for (let start = age.oldest; start; start = age.oldest) {
      if (difference(high, low, start.high, start.low) <= timeout) return
      account.expired++
      age.remove(start)
      sweep(start)
    }
  }

  /** Takes closed starts out of their key's list; the last one of KEPT_KEYS stays, for the next start of that key. */
  function sweep({ hop, key }: OpenStart): void {
    const table = tables[hop] as Map<Key, OpenStart>
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

  /** Answers what came behind it. */
  function discard(start: OpenStart): OpenStart {
    const { other } = start
    start.other = null
    if (spare.length < maxOpen) spare.push(start)
    return other as OpenStart
  }

  function startOf(hop: number, key: Key): OpenStart {
    const start = spare.pop()
    if (start === undefined) return makeStart(hop, key)
    start.hop = hop
    start.key = key
    return start
  }

  function onStart(record: RecordView, hop: number, key: Key, local: boolean, carried: Values): void {
    const { row } = record
    account.starts++
    const src = words[row + SRC] as number
    sides.start(hop, src)
    const table = tables[hop] as Map<Key, OpenStart>
    const vm = known.take(row)
    const first = table.get(key)
    let start = first
    if (first === undefined) {
      start = startOf(hop, key)
      table.set(key, start)
    } else if (first.open && (queues || known.of(first.vm, first.src) !== vm)) start = another(first, vm)
    const slot = start as OpenStart
    if (slot.open) {
      account.replaced++
      if (policy === 'first') return
      age.renew(slot)
    } else age.add(slot)
    slot.low = words[row + TIME] as number
    slot.high = words[row + TIME + 1] as number
    slot.event = words[row + EVENT] as number
    slot.cpu = words[row + CPU] as number
    slot.pid = words[row + PID] as number
    slot.src = src
    slot.vm = words[row + VM] as number
    slot.has = words[row + HAS] as number
    slot.local = local
    slot.carried = carried
    slot.since = marked
    slot.unsafe = losses.length > 0 && inLoss(slot, record.time as bigint)
    if (policy === 'fifo' && lossSeen && first?.open && !slot.unsafe) discardUnsafe(first, vm)
    if (age.size > maxOpen) {
      const oldest = age.oldest as OpenStart
      account.evicted++
      age.remove(oldest)
      sweep(oldest)
    }
  }

  /** After a loss: an end that is missing must not leave all later ones to the start before their own. */
  function discardUnsafe(first: OpenStart, vm: number): void {
    let some = false
    for (let at: OpenStart | null = first; at; at = at.other) {
      if (!at.open || !at.unsafe || known.of(at.vm, at.src) !== vm) continue
      account.lost++
      age.remove(at)
      some = true
    }
    if (some) sweep(first)
  }

  /** A further start of a key that has an open one: the slot of its vm, or a place in the queue (oldest first). */
  function another(first: OpenStart, vm: number): OpenStart {
    let last = first
    for (let at: OpenStart | null = first; at; at = at.other) {
      if (!queues && known.of(at.vm, at.src) === vm) return at
      last = at
    }
    const slot = startOf(first.hop, first.key)
    last.other = slot
    return slot
  }

  /** Both concern a guest, and not the same. */
  function isOfAnother({ vm, src }: OpenStart, other: number): boolean {
    const own = known.of(vm, src)
    return own !== 0 && other !== 0 && own !== other
  }

  /** The open start that an end of this vm closes. */
  function startFor(first: OpenStart | undefined, vm: number): OpenStart | null {
    if (first === undefined) return null
    if (first.other === null) return first.open && !isOfAnother(first, vm) ? first : null
    let found: OpenStart | null = null
    for (let at: OpenStart | null = first; at; at = at.other) {
      if (!at.open || isOfAnother(at, vm)) continue
      if (policy === 'fifo') return at
      if (found === null || policy === 'lifo' || at.turn > found.turn === (policy === 'last')) found = at
    }
    return found
  }

  function onEnd(record: RecordView, hop: number, key: Key, carried: Values): void {
    const { row } = record
    account.ends++
    if (losses.length > 0) pastLosses(record.time as bigint)
    const src = words[row + SRC] as number
    sides.end(hop, src)
    const table = tables[hop] as Map<Key, OpenStart>
    const first = table.get(key)
    const start = startFor(first, known.take(row))
    if (start === null) {
      account.orphans++
      return
    }
    close(start, record, src, carried)
    if (start.other || start !== first || table.size > KEPT_KEYS) sweep(start)
  }

  function close(start: OpenStart, record: RecordView, src: number, carried: Values): void {
    const { row } = record
    const unit = (words[row + HAS] as number) & UNIT
    if ((start.has & UNIT) !== unit || (unit === HAS_TSC && start.src !== src)) {
      account.orphans++
      sink.incomparable(start, record)
      return
    }
    age.remove(start)
    if (start.unsafe) {
      account.lost++
      account.orphans++
      return
    }
    const delta = difference(words[row + TIME + 1] as number, words[row + TIME] as number, start.high, start.low)
    const hop = hops[start.hop] as Hop
    sides.met(start.hop, start.src, src)
    if (delta < 0) {
      account.acausal++
      sink.acausal(hop, start, record, delta)
      return
    }
    account.pairs++
    ended.pair(start.src, src, row)
    sink.pair(hop, start, record, delta, carried)
  }

  /** Losses that are over at this time. */
  function pastLosses(now: bigint): void {
    for (let i = losses.length - 1; i >= 0; i--)
      if (now > (losses[i] as (typeof losses)[number]).until) losses.splice(i, 1)
  }

  /** Is something missing behind this start? At the end of a loss only its own CPU is known to be past it. */
  function inLoss(start: OpenStart, now: bigint): boolean {
    pastLosses(now)
    return losses.some(({ src, cpu, until }) => {
      const past = now === until && (src === 0 || (src === start.src && (cpu === undefined || cpu === start.cpu)))
      return !past && touches(start, src, cpu)
    })
  }

  /** Could a missing event of this src and cpu have closed or replaced this start? One of a guest is of no other guest. */
  function touches(start: OpenStart, src: number, cpu: number | undefined): boolean {
    if (src === 0) return true
    if (start.local) return start.src === src && (cpu === undefined || start.cpu === cpu || mayMove(start))
    if (known.alone(src) && isOfAnother(start, src)) return false
    // the end of what concerns a guest comes from that guest, also where none has come yet
    return options.listen !== undefined || start.vm === src || sides.concerns(start.hop, src)
  }

  /** A thread may go on on another CPU, an idle one cannot. */
  function mayMove({ has, pid }: OpenStart): boolean {
    return (has & HAS_PID) !== 0 && !isIdle(has, pid)
  }

  return {
    account() {
      const foreign = sides.foreign() - foreignBefore
      const { ends, orphans } = account
      return { ...account, foreign, ends: ends - foreign, orphans: orphans - foreign, open: age.size }
    },
    event(record) {
      const { row } = record
      const role = roles(words[row + EVENT] as number)
      if (role === null) return
      if (!((words[row + HAS] as number) & UNIT)) {
        sink.unusable(record, 'ts or tsc')
        return
      }
      outlive(record)
      const key = keys.of(record)
      if (key === undefined) {
        sink.unusable(record, by ? 'member that --by names' : 'key, pid or cpu')
        return
      }
      // a key of one machine alone meets no other machine's clock
      const { local } = keys
      const values = carried ? carried.of(record) : nothing
      for (const hop of role.ends) {
        const gate = gates[hop] as Gate
        if (local || gate.open) onEnd(record, hop, key, values)
        else gate.take(record, false, key, local, values)
      }
      for (const hop of role.starts) {
        const gate = gates[hop] as Gate
        if (local || gate.open) onStart(record, hop, key, local, values)
        else gate.take(record, true, key, local, values)
      }
    },
    mark(seq) {
      for (const gate of gates) gate.settle()
      const from = Math.min(seq, age.oldest?.since ?? seq, ...losses.map(({ since }) => since))
      marked = seq
      return from
    },
    resume() {
      for (const name of Object.keys(account) as (keyof Account)[]) account[name] = 0
      foreignBefore = sides.foreign()
    },
    flush() {
      for (const gate of gates) gate.flush()
    },
    loss({ src, cpu, from, to: until }) {
      for (const gate of gates) gate.flush()
      for (let start = age.oldest; start; ) {
        const next: OpenStart | null = start.newer
        if (touches(start, src, cpu)) {
          account.lost++
          age.remove(start)
          sweep(start)
        }
        start = next
      }
      if (until !== undefined) {
        lossSeen = true
        losses.push({ src, cpu, until, since: marked })
        for (const [hop, gate] of gates.entries()) if (src === 0 || sides.concerns(hop, src)) gate.unheard(until)
      }
      return from === undefined || !ended.after(src, from)
    },
  }
}
