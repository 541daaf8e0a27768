/**
 * Which vector on which vCPU is which interrupt of the guest, learnt from a recording of both machines on one timeline.
 *
 * An interrupt that a vCPU handles is one of those injected into it and not yet handled. Where that is one vector
 * alone, the two belong together: it is counted for them. Where there are several, the one that is known by then is
 * taken to be handled; is none known, all are forgotten, and nothing is counted. A loss makes all be forgotten.
 *
 *     inject 38, handle irq 31                       38 is 31: once more
 *     inject 37, inject 38, handle 31, handle 27     38 is known as 31, so 37 is alone when 27 is handled
 *
 * A vector is taken where at least AGREED of ten, and FEWEST in number, of what was counted for it name one interrupt.
 * The guest's own `irq_vectors:vector_config` (irq, vector, cpu) tells it without counting.
 *
 * A guest's CPU n is taken to be the one with the APIC id n.
 */
import type { MsiEvent } from './msi-event.js'

const AGREED = 8
const FEWEST = 3

/** A recording with more is none: the memory is bounded. */
const MAX_VECTORS = 1 << 16

export interface Learnt {
  src: string
  irq: number
  name: string | undefined
  cpu: number
  vector: number
  /** The guest's kernel told it. */
  told: boolean
  /** Of the times that the vector was alone, those that it was this interrupt. */
  agreed: number
  observed: number
  injected: number
}

export interface Learning {
  /** `guest`: the src of the guest that it concerns, '' where the event does not say. */
  injected(guest: string, msi: MsiEvent): void
  handled(guest: string, cpu: number, irq: number, name: string | undefined): void
  told(guest: string, cpu: number, irq: number, vector: number): void
  lost(): void
  /** By guest, CPU and vector. */
  result(): { learnt: Learnt[]; unclear: Omit<Learnt, 'irq' | 'name'>[] }
}

interface Vector {
  /** '' until a handler says whose it is. */
  guest: string
  cpu: number
  vector: number
  injected: number
  votes: Map<number, number>
  told: Set<number>
}

export function learning(): Learning {
  const vectors = new Map<string, Vector>()
  /** What was injected and not handled yet, by guest and CPU. */
  const waiting = new Map<string, Set<Vector>>()
  const names = new Map<string, string | undefined>()

  function vectorOf(guest: string, cpu: number, vector: number): Vector {
    const key = `${cpu} ${vector} ${guest}`
    const known = vectors.get(key)
    if (known) return known
    if (vectors.size >= MAX_VECTORS) throw new RangeError(`more than ${MAX_VECTORS} vectors of vCPUs`)
    const made: Vector = { guest, cpu, vector, injected: 0, votes: new Map(), told: new Set() }
    vectors.set(key, made)
    return made
  }

  function waitingAt(guest: string, cpu: number): Set<Vector> {
    const key = `${cpu} ${guest}`
    const known = waiting.get(key)
    if (known) return known
    const made = new Set<Vector>()
    waiting.set(key, made)
    return made
  }

  return {
    injected(guest, { destination, vector }) {
      const one = vectorOf(guest, destination, vector)
      one.injected++
      waitingAt(guest, destination).add(one)
    },
    handled(guest, cpu, irq, name) {
      if (!names.has(`${irq} ${guest}`) && names.size < MAX_VECTORS) names.set(`${irq} ${guest}`, name)
      // an injection that does not say its guest concerns the only one there is
      settle([waitingAt(guest, cpu), waitingAt('', cpu)], guest, irq)
    },
    told(guest, cpu, irq, vector) {
      vectorOf(guest, cpu, vector).told.add(irq)
    },
    lost() {
      for (const set of waiting.values()) set.clear()
    },
    result: () => judge([...vectors.values()], names),
  }
}

function settle(sets: readonly Set<Vector>[], guest: string, irq: number): void {
  const waiting = [...new Set(sets.flatMap((set) => [...set]))]
  const [first, ...more] = waiting
  if (!first) return
  const known = waiting.filter((vector) => favourite(vector)[0] === irq)
  if (more.length === 0) {
    first.guest ||= guest
    first.votes.set(irq, (first.votes.get(irq) ?? 0) + 1)
  }
  for (const set of sets) {
    if (more.length > 0 && known.length === 1) set.delete(known[0] as Vector)
    else set.clear()
  }
}

/** The interrupt that was counted most, how often, and how often any was. */
function favourite({ votes }: Vector): [irq: number | undefined, agreed: number, observed: number] {
  let irq: number | undefined
  let agreed = 0
  let observed = 0
  for (const [candidate, count] of votes) {
    observed += count
    if (count <= agreed) continue
    agreed = count
    irq = candidate
  }
  return [irq, agreed, observed]
}

function judge(
  vectors: readonly Vector[],
  names: ReadonlyMap<string, string | undefined>,
): ReturnType<Learning['result']> {
  const learnt: Learnt[] = []
  const unclear: Omit<Learnt, 'irq' | 'name'>[] = []
  const sorted = vectors.toSorted((a, b) => compare(a.guest, b.guest) || a.cpu - b.cpu || a.vector - b.vector)
  for (const one of sorted) {
    const [counted, agreed, observed] = favourite(one)
    const { guest: src, cpu, vector, injected } = one
    const told = one.told.size === 1
    const irq = told ? [...one.told][0] : counted
    const about = { src, cpu, vector, told, agreed, observed, injected }
    const sure = told || (one.told.size === 0 && agreed >= FEWEST && agreed * 10 >= observed * AGREED)
    if (irq !== undefined && sure) learnt.push({ ...about, irq, name: names.get(`${irq} ${src}`) })
    else unclear.push(about)
  }
  return { learnt, unclear }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
