/**
 * Tally: which machines (interned srcs) give a hop its starts and ends, and which of its ends met a start.
 */
import type { Hop } from './hops.js'

export interface Tally {
  start(hop: number, src: number): void
  end(hop: number, src: number): void
  /** An end of `src` met a start of `startSrc`. */
  met(hop: number, startSrc: number, src: number): void
  /** Could an event of this src have a part in the hop? */
  concerns(hop: number, src: number): boolean
  /** Ends that have only the name of the hop's end. */
  foreign(): number
}

interface Counts {
  starts: Counter
  ends: Counter
  met: Counter
  /** All that met so far were of two machines. */
  crossing: boolean
}

export function tally(hops: readonly Hop[]): Tally {
  const all: Counts[] = hops.map(() => ({ starts: counter(), ends: counter(), met: counter(), crossing: true }))
  return {
    start: (hop, src) => (all[hop] as Counts).starts.add(src),
    end: (hop, src) => (all[hop] as Counts).ends.add(src),
    met(hop, startSrc, src) {
      const counts = all[hop] as Counts
      counts.met.add(src)
      if (startSrc === src) counts.crossing = false
    },
    concerns(hop, src) {
      const { starts, ends } = all[hop] as Counts
      return starts.of.has(src) || ends.of.has(src) || ends.of.size === 0
    },
    foreign: () => all.reduce((sum, counts) => sum + foreignOf(counts), 0),
  }
}

interface Count {
  src: number
  n: number
}

/** By src. There may be thousands of these (by-node.ts), each of a few srcs. */
interface Counter {
  of: Map<number, Count>
  add(src: number): void
}

function counter(): Counter {
  const of = new Map<number, Count>()
  /** Mostly it is the one that it was before. */
  let last: Count | undefined
  return {
    of,
    add(src) {
      if (last?.src !== src) {
        last = of.get(src) ?? { src, n: 0 }
        of.set(src, last)
      }
      last.n++
    },
  }
}

/**
 * Where all that met leads from one machine to another, an `irq_handler_entry` of the host itself is no end of
 * `kvm_msi_set_irq => irq_handler_entry`, though it has the name.
 */
function foreignOf({ starts, ends, met, crossing }: Counts): number {
  if (!crossing || met.of.size === 0) return 0
  return [...starts.of.keys()].reduce((sum, src) => sum + (met.of.has(src) ? 0 : (ends.of.get(src)?.n ?? 0)), 0)
}
