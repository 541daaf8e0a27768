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
import {
  CPU,
  EVENT,
  HAS,
  HAS_CPU,
  HAS_KEY_INTEGER,
  HAS_KEY_TEXT,
  HAS_KEY_UNSIGNED,
  HAS_PID,
  HAS_TS,
  HAS_TSC,
  KEY,
  PID,
  SRC,
  TIME,
  VM,
} from '../assembly/layout.js'
import { difference } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import type { RecordView } from '../wire/record.js'
import type { Account, ClosedAccount } from './account.js'
import { type Hop, rolesOf } from './hops.js'
import { ages, makeStart, type OpenStart } from './open-starts.js'
import { type Gate, skewGate } from './skew.js'

export type Policy = 'last' | 'first' | 'fifo' | 'lifo'

export interface PairingOptions {
  policy: Policy
  /** Units of the events' own clock; Infinity: none. */
  timeout: number
  maxOpen: number
  /** The key of an event where the user said `--by`; undefined: this event has none. */
  by: ((record: RecordView) => number | string | undefined) | null
}

export interface Sink {
  /** `end` is the view of the end event; `delta` its time less the start's, in their unit. */
  pair(hop: Hop, start: OpenStart, end: RecordView, delta: number): void
  acausal(hop: Hop, start: OpenStart, end: RecordView, delta: number): void
  /** Start and end have times that cannot be compared (cycles of two machines, or cycles and ns). */
  incomparable(start: OpenStart, end: RecordView): void
  /** An event of a hop that has no time or no key. */
  unusable(record: RecordView, what: string): void
}

export interface Pairing {
  event(record: RecordView): void
  /** Events of `src` (0: unknown) are missing, on `cpu` (undefined: any); the last of them before `until`. */
  loss(src: number, cpu: number | undefined, until: bigint | undefined): void
  /** What is held goes through: the stream is over. */
  flush(): void
  /** What was counted so far; it closes. */
  account(): ClosedAccount
}

export const UNIT = HAS_TS | HAS_TSC

function count(counts: number[], at: number): void {
  counts[at] = (counts[at] ?? 0) + 1
}

export function pairing(hops: readonly Hop[], options: PairingOptions, sink: Sink): Pairing {
  const { policy, timeout, maxOpen, by } = options
  const queues = policy === 'fifo' || policy === 'lifo'
  const roles = rolesOf(hops)
  const tables = hops.map(() => new Map<number | string, OpenStart>())
  /** By hop and interned src: starts and ends that it gave, and starts that its ends met. */
  const startsOf = hops.map(() => [] as number[])
  const endsOf = hops.map(() => [] as number[])
  const pairsOf = hops.map(() => [] as number[])
  const crossing = hops.map(() => true)
  const age = ages()
  /** Discarded ones, to be used again. */
  const spare: OpenStart[] = []
  const losses: { src: number; cpu: number | undefined; until: bigint }[] = []
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
    skewGate((record, isStart, key, local) => {
      if (isStart) onStart(record, index, key, local)
      else onEnd(record, index, key)
    }),
  )
  let keyIsLocal = false

  /** The event's key, and in `keyIsLocal` whether it is one of its src alone. */
  function keyOf(record: RecordView): number | string | undefined {
    const { row } = record
    const has = words[row + HAS] as number
    keyIsLocal = false
    if (by) return by(record)
    if (has & HAS_KEY_INTEGER) {
      const high = words[row + KEY + 1] as number
      const low = (words[row + KEY] as number) >>> 0
      if (high === 0) return low
      if (high >= -0x200000 && high < 0x200000 && !(has & HAS_KEY_UNSIGNED)) return high * 0x1_0000_0000 + low
      return String(record.key)
    }
    if (has & HAS_KEY_TEXT) return `t${record.keyText}`
    keyIsLocal = true
    // below 2^53: an id of a name has 13 bits; pids and cpus are kept apart from keys by their src, cpus by a bit more
    const src = (words[row + SRC] as number) + 1
    if (has & HAS_PID) return -(src * 0x1_0000_0000 + (words[row + PID] as number))
    if (has & HAS_CPU) return -((src + 0x10000) * 0x1_0000_0000 + (words[row + CPU] as number))
    return undefined
  }

  function expire(high: number, low: number): void {
    for (let start = age.oldest; start; start = age.oldest) {
      if (difference(high, low, start.high, start.low) <= timeout) return
      account.expired++
      age.remove(start)
      sweep(start)
    }
  }

  /** Takes closed starts out of their key's list; the last one stays, for the next start of that key. */
  function sweep({ hop, key }: OpenStart): void {
    const table = tables[hop] as Map<number | string, OpenStart>
    let first = table.get(key) as OpenStart
    for (; first.other && !first.open; first = discard(first));
    table.set(key, first)
    for (let at = first; at.other; ) {
      if (at.other.open) at = at.other
      else at.other = discard(at.other)
    }
    if (table.size <= maxOpen || first.open) return
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

  function startOf(hop: number, key: number | string): OpenStart {
    const start = spare.pop()
    if (start === undefined) return makeStart(hop, key)
    start.hop = hop
    start.key = key
    return start
  }

  function onStart(record: RecordView, hop: number, key: number | string, local: boolean): void {
    const { row } = record
    account.starts++
    const src = words[row + SRC] as number
    count(startsOf[hop] as number[], src)
    const table = tables[hop] as Map<number | string, OpenStart>
    const vm = words[row + VM] as number
    const first = table.get(key)
    let start = first
    if (first === undefined) {
      start = startOf(hop, key)
      table.set(key, start)
    } else if (first.open && (queues || first.vm !== vm)) start = another(first, vm)
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
    slot.vm = vm
    slot.has = words[row + HAS] as number
    slot.local = local
    slot.unsafe = losses.length > 0 && duringLoss(slot, record)
    if (age.size > maxOpen) {
      const oldest = age.oldest as OpenStart
      account.evicted++
      age.remove(oldest)
      sweep(oldest)
    }
  }

  /** A further start of a key that has an open one: the slot of its vm, or a place in the queue (oldest first). */
  function another(first: OpenStart, vm: number): OpenStart {
    let last = first
    for (let at: OpenStart | null = first; at; at = at.other) {
      if (!queues && at.vm === vm) return at
      last = at
    }
    const slot = startOf(first.hop, first.key)
    last.other = slot
    return slot
  }

  /** The open start that an end of this vm closes. */
  function startFor(first: OpenStart | undefined, vm: number): OpenStart | null {
    let found: OpenStart | null = null
    for (let at = first ?? null; at; at = at.other) {
      if (!at.open || (vm !== 0 && at.vm !== 0 && at.vm !== vm)) continue
      if (policy === 'fifo') return at
      if (found === null || policy === 'lifo' || isLater(at, found) === (policy === 'last')) found = at
    }
    return found
  }

  function isLater(a: OpenStart, b: OpenStart): boolean {
    return difference(a.high, a.low, b.high, b.low) >= 0
  }

  function onEnd(record: RecordView, hop: number, key: number | string): void {
    const { row } = record
    account.ends++
    const src = words[row + SRC] as number
    count(endsOf[hop] as number[], src)
    const table = tables[hop] as Map<number | string, OpenStart>
    const first = table.get(key)
    const start =
      first?.other === null && first.vm === 0 ? (first.open ? first : null) : startFor(first, words[row + VM] as number)
    if (start === null) {
      account.orphans++
      return
    }
    close(start, record, src)
    if (start.other || start !== first || table.size > maxOpen) sweep(start)
  }

  function close(start: OpenStart, record: RecordView, src: number): void {
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
    count(pairsOf[start.hop] as number[], src)
    if (start.src === src) crossing[start.hop] = false
    if (delta < 0) {
      account.acausal++
      sink.acausal(hop, start, record, delta)
      return
    }
    account.pairs++
    sink.pair(hop, start, record, delta)
  }

  function duringLoss(start: OpenStart, record: RecordView): boolean {
    const now = record.time as bigint
    for (let i = losses.length - 1; i >= 0; i--) {
      const loss = losses[i] as (typeof losses)[number]
      if (now >= loss.until) losses.splice(i, 1)
      else if (touches(start, loss.src, loss.cpu)) return true
    }
    return false
  }

  /** Could a missing event of this src and cpu have closed or replaced this start? */
  function touches(start: OpenStart, src: number, cpu: number | undefined): boolean {
    if (src === 0) return true
    if (start.local) return start.src === src && (cpu === undefined || (start.has & HAS_PID) !== 0 || start.cpu === cpu)
    const ends = endsOf[start.hop] as number[]
    return (startsOf[start.hop] as number[])[src] !== undefined || ends[src] !== undefined || ends.length === 0
  }

  /**
   * A hop whose pairs all lead from one machine to another: an `irq_handler_entry` of the host itself is no end
   * of `kvm_msi_set_irq => irq_handler_entry`, though it has the name.
   */
  function foreign(hop: number): number {
    const pairs = pairsOf[hop] as number[]
    if (!crossing[hop] || pairs.length === 0) return 0
    return (startsOf[hop] as number[]).reduce(
      (sum, _starts, src) => sum + (pairs[src] === undefined ? ((endsOf[hop] as number[])[src] ?? 0) : 0),
      0,
    )
  }

  return {
    account() {
      const none = hops.reduce((sum, { index }) => sum + foreign(index), 0)
      return { ...account, foreign: none, ends: account.ends - none, orphans: account.orphans - none, open: age.size }
    },
    event(record) {
      const { row } = record
      const role = roles(words[row + EVENT] as number)
      if (role === null) return
      if (!((words[row + HAS] as number) & UNIT)) {
        sink.unusable(record, 'ts or tsc')
        return
      }
      if (timeout !== Number.POSITIVE_INFINITY) expire(words[row + TIME + 1] as number, words[row + TIME] as number)
      const key = keyOf(record)
      if (key === undefined) {
        sink.unusable(record, by ? 'member that --by names' : 'key, pid or cpu')
        return
      }
      // a key of one machine alone meets no other machine's clock
      const local = keyIsLocal
      for (const hop of role.ends) {
        const gate = gates[hop] as Gate
        if (local || gate.open) onEnd(record, hop, key)
        else gate.take(record, false, key, local)
      }
      for (const hop of role.starts) {
        const gate = gates[hop] as Gate
        if (local || gate.open) onStart(record, hop, key, local)
        else gate.take(record, true, key, local)
      }
    },
    flush() {
      for (const gate of gates) gate.flush()
    },
    loss(src, cpu, until) {
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
      if (until !== undefined) losses.push({ src, cpu, until })
    },
  }
}
