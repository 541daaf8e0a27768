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
import { CPU, EVENT, HAS, HAS_TS, HAS_TSC, PID, SRC, TIME, VM } from '../assembly/layout.js'
import { difference } from '../wire/int64.js'
import type { Loss } from '../wire/lost.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import type { Account, ClosedAccount } from './account.js'
import type { Carried, Values } from './carried.js'
import { eventKey, type Key } from './event-key.js'
import { guests } from './guests.js'
import { type Hop, rolesOf } from './hops.js'
import { lastEnds } from './last-ends.js'
import { losses } from './losses.js'
import { ages, type OpenStart } from './open-starts.js'
import { type Gate, skewGate } from './skew.js'
import { type Policy, slots } from './slots.js'
import { tally } from './tally.js'

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

const nothing: Values = []

export function pairing(hops: readonly Hop[], options: PairingOptions, sink: Sink): Pairing {
  const { policy, timeout, maxOpen, by, carried } = options
  const roles = rolesOf(hops)
  const sides = tally(hops)
  let foreignBefore = 0
  let marked = 0
  const ended = lastEnds()
  const keys = eventKey(by)
  const known = guests()
  const starts = slots(hops.length, policy, known, maxOpen)
  const missing = losses(sides, known, options.listen !== undefined)
  const age = ages()
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
      starts.sweep(start)
    }
  }

  function onStart(record: RecordView, hop: number, key: Key, local: boolean, carried: Values): void {
    const { row } = record
    account.starts++
    const src = words[row + SRC] as number
    sides.start(hop, src)
    const vm = known.take(row)
    const slot = starts.forStart(hop, key, vm)
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
    slot.unsafe = missing.lasting && missing.cover(slot, record.time as bigint)
    if (policy === 'fifo' && missing.any && !slot.unsafe) discardUnsafe(hop, key, vm)
    if (age.size > maxOpen) {
      const oldest = age.oldest as OpenStart
      account.evicted++
      age.remove(oldest)
      starts.sweep(oldest)
    }
  }

  /** After a loss: an end that is missing must not leave all later ones to the start before their own. */
  function discardUnsafe(hop: number, key: Key, vm: number): void {
    const first = starts.first(hop, key) as OpenStart
    let some = false
    for (let at: OpenStart | null = first; at; at = at.other) {
      if (!at.open || !at.unsafe || known.of(at.vm, at.src) !== vm) continue
      account.lost++
      age.remove(at)
      some = true
    }
    if (some) starts.sweep(first)
  }

  function onEnd(record: RecordView, hop: number, key: Key, carried: Values): void {
    const { row } = record
    account.ends++
    if (missing.lasting) missing.pass(record.time as bigint)
    const src = words[row + SRC] as number
    sides.end(hop, src)
    const start = starts.forEnd(hop, key, known.take(row))
    if (start === null) {
      account.orphans++
      return
    }
    close(start, record, src, carried)
    starts.closed(start)
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
      const from = Math.min(seq, age.oldest?.since ?? seq, ...missing.since)
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
    loss(loss) {
      const { src, cpu, from, to: until } = loss
      for (const gate of gates) gate.flush()
      for (let start = age.oldest; start; ) {
        const next: OpenStart | null = start.newer
        if (missing.touch(start, src, cpu)) {
          account.lost++
          age.remove(start)
          starts.sweep(start)
        }
        start = next
      }
      if (until !== undefined) {
        missing.add(loss, until, marked)
        for (const [hop, gate] of gates.entries()) if (src === 0 || sides.concerns(hop, src)) gate.unheard(until)
      }
      return from === undefined || !ended.after(src, from)
    },
  }
}
