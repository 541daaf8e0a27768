/**
 * How well two machines' times can be compared: what may have to be added to the times of the one.
 *
 * No effect comes before its cause. The shortest latency from one machine to the other says how early the first one's
 * times can be at most, the shortest in the other direction how late. `check` and `offset` records of tsc-align in the
 * stream say the same from more, or from other, events.
 *
 * Example: the shortest host ⇒ guest took 79 us. To the host's times at most +79 us may have to be added, so a latency
 * of 23.524 ms was at least 23.445 ms.
 */
import { timeOf } from '../wire/lost.js'
import { memberName, type RecordView } from '../wire/record.js'
import type { Spot } from './timeline.js'

export interface Bound {
  src: string
  /** The other machine; '' where the record does not say. */
  other: string
  low: number | undefined
  high: number | undefined
  by: string
}

export interface Clocks {
  /** A pair that took less than any before of its kind. */
  shortest(record: RecordView, delta: number): void
  /** A `check` or an `offset`. */
  take(record: RecordView): void
  all(): Bound[]
  /** What the latency between two places may have been. */
  latency(from: Spot, to: Spot, delta: number): { least?: number; most?: number }
}

const MOST = 100
const startSrc = memberName('start_src')
const endSrc = memberName('end_src')

export function clocks(): Clocks {
  /** By src: to which other, the shortest. */
  const least = new Map<string, Map<string, number>>()
  const told: Bound[] = []

  function all(): Bound[] {
    const bounds: Bound[] = []
    const seen = new Set<string>()
    for (const [src, others] of least)
      for (const [other, shortest] of others) {
        if (seen.has(JSON.stringify([other, src]))) continue
        seen.add(JSON.stringify([src, other]))
        const back = least.get(other)?.get(src)
        bounds.push({
          src,
          other,
          low: back === undefined ? undefined : -back,
          high: shortest,
          by: 'the shortest latency',
        })
      }
    return [...bounds, ...told]
  }

  return {
    shortest(record, delta) {
      const from = record.member(startSrc)
      const to = record.member(endSrc)
      if (typeof from !== 'string' || typeof to !== 'string' || from === to) return
      const others = least.get(from) ?? new Map<string, number>()
      least.set(from, others)
      if (delta < (others.get(to) ?? Number.POSITIVE_INFINITY)) others.set(to, delta)
    },
    take(record) {
      if (told.length >= MOST) return
      const bound = record.type === 'check' ? checked(record.members) : estimated(record.members)
      if (bound) told.push({ ...bound, src: record.src })
    },
    all,
    latency(from, to, delta) {
      let shortest = 0
      let longest = Number.POSITIVE_INFINITY
      if (from.src === to.src) return {}
      for (const { src, other, low, high } of all()) {
        // x is added to the times of src: a start that much later, or an end
        const isStart = src === from.src && (other === to.src || other === '')
        const isEnd = src === to.src && (other === from.src || other === '')
        if (!isStart && !isEnd) continue
        const up = isStart ? (low === undefined ? undefined : -low) : high
        const down = isStart ? high : low === undefined ? undefined : -low
        if (down !== undefined) shortest = Math.max(shortest, delta - down)
        if (up !== undefined) longest = Math.min(longest, delta + up)
      }
      return { ...(shortest > 0 ? { least: shortest } : {}), ...(Number.isFinite(longest) ? { most: longest } : {}) }
    },
  }
}

type Told = Omit<Bound, 'src'>

function checked({ low_ns, high_ns }: Record<string, unknown>): Told | undefined {
  const low = finite(low_ns)
  const high = finite(high_ns)
  if (low === undefined && high === undefined) return undefined
  return { other: '', low, high, by: 'tsc-align --check' }
}

/** The interval of an estimated offset, in cycles, around the offset that it gives. */
function estimated(members: Record<string, unknown>): Told | undefined {
  const [offset, low, high] = [members.tsc_offset, members.low, members.high].map(timeOf)
  const cycles = finite(members.width_cycles)
  const ns = finite(members.width_ns)
  if (offset === undefined || low === undefined || high === undefined || !cycles || ns === undefined) return undefined
  const inNs = (distance: bigint) => Math.round((Number(distance) * ns) / cycles)
  const other = typeof members.to === 'string' ? members.to : ''
  return { other, low: inNs(low - offset), high: inNs(high - offset), by: 'tsc-align --estimate' }
}

function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
