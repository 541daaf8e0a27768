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
  /** By src. */
  starts: number[]
  ends: number[]
  met: number[]
  /** All that met so far were of two machines. */
  crossing: boolean
}

export function tally(hops: readonly Hop[]): Tally {
  const all: Counts[] = hops.map(() => ({ starts: [], ends: [], met: [], crossing: true }))
  return {
    start: (hop, src) => count((all[hop] as Counts).starts, src),
    end: (hop, src) => count((all[hop] as Counts).ends, src),
    met(hop, startSrc, src) {
      const counts = all[hop] as Counts
      count(counts.met, src)
      if (startSrc === src) counts.crossing = false
    },
    concerns(hop, src) {
      const { starts, ends } = all[hop] as Counts
      return starts[src] !== undefined || ends[src] !== undefined || ends.length === 0
    },
    foreign: () => all.reduce((sum, counts) => sum + foreignOf(counts), 0),
  }
}

function count(counts: number[], at: number): void {
  counts[at] = (counts[at] ?? 0) + 1
}

/**
 * Where all that met leads from one machine to another, an `irq_handler_entry` of the host itself is no end of
 * `kvm_msi_set_irq => irq_handler_entry`, though it has the name.
 */
function foreignOf({ starts, ends, met, crossing }: Counts): number {
  if (!crossing || met.length === 0) return 0
  return starts.reduce((sum, _starts, src) => sum + (met[src] === undefined ? (ends[src] ?? 0) : 0), 0)
}
