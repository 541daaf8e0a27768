/**
 * Where and when a row of a table belongs: its host, and its day, from what the stream said before its record.
 *
 * A `clock` record tells how far the wall clock is ahead of the stream's (`wall` less `ts`); from then on a time has a
 * `wall_ns`, nanoseconds since 1970, and a `day`, its date, UTC. A record that has no time (a summary) is of the day of
 * the one before it.
 *
 * Behind a fleet's transport the machines of a host are `node7/host`, `node7/vm1`: the host is node7, and its clocks
 * are nobody else's.
 */
import { shortened } from '../drawing/shortened.js'
import { wallOffset } from '../drawing/wall-time.js'
import { memberName, type RecordView } from '../wire/record.js'

export interface When {
  wall_ns: bigint | undefined
  /** Days since 1970. */
  day: number | undefined
}

/** What is known of a row besides its record. */
export interface Where {
  host: string | undefined
  /** The times of its machine are cycles, as its `stream` record says. */
  cycles: boolean
  /** Of a time in the stream's ns; `cycles`: it has one, in cycles; `none`: it has none. */
  when(time: bigint | 'cycles' | 'none'): When
  /** How host, vm and src are written. */
  named(name: string): string
}

export interface Placing {
  /** The place of a record; of a `stream` or `clock` record it is learnt first what they say. */
  of(record: RecordView): Where
  /** Rows that have a time and no day. */
  readonly undated: number
  /** Those of them whose time is in cycles. */
  readonly cycles: number
}

const hostname = memberName('hostname')
const unit = memberName('unit')
const startSrc = memberName('start_src')
const DAY = 86_400_000_000_000n
/** A guest may say that it is any day, as often as it likes: eleven years, told apart. */
const MOST_DAYS = 4000

/** `given`: the host, as the user says it. */
export function placing(given: string | undefined, named: Where['named']): Placing {
  const hosts = new Map<string, string>()
  /** Wall clock less the stream's clock, by src, and the last one told of a group. */
  const offsets = new Map<string, bigint>()
  const lastOffsets = new Map<string, bigint>()
  /** Machines whose times are cycles. */
  const inCycles = new Set<string>()
  const days = new Set<number>()
  let lastDay: number | undefined
  let undated = 0
  let cycles = 0

  function learn(record: RecordView): void {
    const { type, src } = record
    if (type === 'stream' && record.member(unit) === 'tsc') inCycles.add(src)
    else if (type === 'stream') inCycles.delete(src)
    const name = type === 'stream' ? record.member(hostname) : undefined
    if (typeof name === 'string') hosts.set(src, shortened(name))
    const offset = type === 'clock' ? wallOffset(record) : undefined
    if (offset === undefined) return
    offsets.set(src, offset)
    lastOffsets.set(groupOf(src), offset)
  }

  function when(time: bigint | 'cycles' | 'none', offset: bigint | undefined): When {
    if (time === 'none') return { wall_ns: undefined, day: lastDay }
    const wall = time === 'cycles' || offset === undefined ? undefined : time + offset
    // beyond what a BIGINT holds it is no wall clock
    const wall_ns = wall === BigInt.asIntN(64, wall ?? 0n) ? wall : undefined
    const day = wall_ns === undefined ? undefined : known(dayOf(wall_ns))
    if (day !== undefined) lastDay = day
    else {
      undated++
      if (time === 'cycles') cycles++
    }
    return { wall_ns, day }
  }

  function known(day: number): number | undefined {
    if (!days.has(day) && days.size >= MOST_DAYS) return undefined
    days.add(day)
    return day
  }

  return {
    get undated() {
      return undated
    },
    get cycles() {
      return cycles
    },
    of(record) {
      learn(record)
      const src = record.src || startOf(record)
      const group = groupOf(src)
      // what is of two machines is on the host's clock; and a guest's says nothing of the host's events
      const others = src === '' || src === `${group}host` ? undefined : lastOffsets.get(group)
      const offset = offsets.get(record.src) ?? offsets.get(`${group}host`) ?? others
      const host = group === '' ? (hosts.get('host') ?? hosts.get(src)) : group.slice(0, -1)
      return { host: given ?? host, cycles: inCycles.has(src), when: (time) => when(time, offset), named }
    },
  }
}

/** A pair of two machines has no src. */
function startOf(record: RecordView): string {
  const src = record.type === 'pair' ? record.member(startSrc) : ''
  return typeof src === 'string' ? src : ''
}

/** `node7/` of `node7/vm1`. */
function groupOf(src: string): string {
  return src.slice(0, src.indexOf('/') + 1)
}

function dayOf(wall: bigint): number {
  return Number((wall < 0n ? wall - DAY + 1n : wall) / DAY)
}
