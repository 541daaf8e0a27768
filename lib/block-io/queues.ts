/**
 * Which queue a request takes, and which interrupt an injected MSI is: what joins the two machines.
 *
 * A guest's CPU sends its requests for a disk to one queue (blk-mq), and the driver kicks that queue on the same
 * CPU, after the issue. So the first device that a vCPU writes to after an issue on it is counted for the disk and
 * the CPU; an address taken has AGREED of ten, and FEWEST in number. The interrupts are those of lib/interrupts/learn.ts.
 * What was told (`--queue`, `--irq-map`) is not learnt.
 *
 *     issue on CPU 1, vCPU 1 writes 1 to 0xfebfb004      0xfebfb004/1 is CPU 1's queue: once more
 */
import { learning } from '../interrupts/learn.js'
import type { MsiEvent } from '../interrupts/msi-event.js'
import type { VectorMap } from '../interrupts/vector-map.js'
import type { Fact, Handler, KickFact, RequestFact } from './facts.js'

const AGREED = 8
const FEWEST = 3
/** So much is enough not to wait for more. */
const SURE_AGREED = 9
const SURE_FEWEST = 10
/** Who was asked so often and is not sure by then is taken as it is. */
const PATIENCE = 30
/** What has been learnt is looked at anew after so many handlers. */
const RELEARN = 256
/** A guest chooses CPUs, disks and addresses: the memory is bounded. */
const MOST_KEYS = 4096
const MOST_ADDRESSES = 64
const MOST_DISKS = 16

/** `--queue`: this address is the queue of these CPUs. */
export interface GivenQueue {
  notify: string
  cpus: ReadonlySet<number>
}

export interface Told {
  queues: readonly GivenQueue[]
  vectors: VectorMap | undefined
}

export interface Vote {
  agreed: number
  observed: number
}

export interface Queues {
  take(fact: Fact): void
  lost(): void
  /** Is there something that only needs a few more events to be known? */
  readonly waiting: boolean
  /** Nobody waits any longer for what is not known by now. */
  giveUp(): void
  /** The notify address of the queue that a request of this disk takes on this CPU. */
  queueOf(dev: string, cpu: number): string | undefined
  /** The queue that a kick is for, in the spelling of queueOf. */
  kicked(fact: KickFact): string
  irqOf(msi: MsiEvent): number | undefined
  /** How sure a queue of a CPU is; undefined where it was told. */
  voteFor(dev: string, cpu: number): Vote | undefined
  /** vCPU, vector and how sure, of an interrupt that was learnt. */
  vectorsOf(irq: number): { cpu: number; vector: number; agreed: number; observed: number }[]
}

export function queues(guest: string, { queues: given, vectors }: Told): Queues {
  const learn = learning()
  const votes = new Map<string, Map<string, number>>()
  /** Disks that have requests not followed by a kick yet, by CPU. */
  const unkicked = new Map<number, Set<string>>()
  /** The interrupt that each CPU handles, and whether a request was completed in it. */
  const handling = new Map<number, { irq: number; completed: boolean }>()
  const asked = new Map<string, number>()
  const unsure = new Set<string>()
  let irqs: Map<string, number> | undefined
  /** Handlers since what was learnt was last looked at. */
  let since = 0

  function ask(what: string, sure: () => boolean): void {
    const times = asked.get(what) ?? 0
    if (times > PATIENCE || (times === 0 && asked.size >= MOST_KEYS)) return
    asked.set(what, times + 1)
    unsure.add(what)
    if (!sure() && times < PATIENCE) return
    asked.set(what, PATIENCE + 1)
    unsure.delete(what)
  }

  function issued({ extent: { dev }, cpu }: RequestFact): void {
    if (given.length > 0) return
    const disks = unkicked.get(cpu)
    if (disks && disks.size < MOST_DISKS) disks.add(dev)
    else if (!disks && unkicked.size < MOST_KEYS) unkicked.set(cpu, new Set([dev]))
    ask(`queue ${dev} ${cpu}`, () => isSure(favourite(votes.get(`${dev} ${cpu}`))))
  }

  function kick(fact: KickFact): void {
    if (fact.vcpu === undefined) return
    for (const dev of unkicked.get(fact.vcpu) ?? []) vote(`${dev} ${fact.vcpu}`, kicked(fact))
    unkicked.delete(fact.vcpu)
  }

  function vote(of: string, notify: string): void {
    const counts = votes.get(of) ?? new Map<string, number>()
    if (counts.size === 0 && votes.size < MOST_KEYS) votes.set(of, counts)
    if (counts.has(notify) || counts.size < MOST_ADDRESSES) counts.set(notify, (counts.get(notify) ?? 0) + 1)
  }

  /** Which vector the interrupt has need only be known if requests are completed in it. */
  function handled(cpu: number): void {
    const running = handling.get(cpu)
    handling.delete(cpu)
    if (running && !running.completed) unsure.delete(`irq ${running.irq}`)
  }

  function handler({ cpu, irq, name }: Handler): void {
    handled(cpu)
    if (vectors) return
    handling.set(cpu, { irq, completed: false })
    learn.handled(guest, cpu, irq, name)
    if (unsure.size > 0 || ++since >= RELEARN) irqs = undefined
    if ((asked.get(`irq ${irq}`) ?? 0) <= PATIENCE) unsure.add(`irq ${irq}`)
  }

  function completed({ cpu }: RequestFact): void {
    const running = handling.get(cpu)
    if (!running) return
    running.completed = true
    const { irq } = running
    ask(`irq ${irq}`, () => learn.result().learnt.some((one) => one.irq === irq && (one.told || isSure(one))))
  }

  function kicked({ address, index }: KickFact): string {
    const exact = index === undefined ? address : `${address}/${index}`
    return given.some(({ notify }) => notify === address) ? address : exact
  }

  return {
    get waiting() {
      return unsure.size > 0
    },
    take(fact) {
      switch (fact.is) {
        case 'issue':
          issued(fact)
          return
        case 'complete':
          completed(fact)
          return
        case 'kick':
          kick(fact)
          return
        case 'msi':
          if (!vectors) learn.injected(guest, fact.msi)
          return
        case 'handler':
          handler(fact)
          return
        case 'handled':
          handled(fact.cpu)
          return
      }
    },
    lost() {
      learn.lost()
      unkicked.clear()
      handling.clear()
    },
    giveUp() {
      for (const what of unsure) asked.set(what, PATIENCE + 1)
      unsure.clear()
      irqs = undefined
    },
    queueOf(dev, cpu) {
      if (given.length > 0) return given.find(({ cpus }) => cpus.has(cpu))?.notify
      const [notify, { agreed, observed }] = favourite(votes.get(`${dev} ${cpu}`))
      return agreed >= FEWEST && agreed * 10 >= observed * AGREED ? notify : undefined
    },
    kicked,
    irqOf(msi) {
      if (vectors) return vectors.irqOf(guest, msi)
      if (!irqs) {
        since = 0
        irqs = new Map(learn.result().learnt.map(({ cpu, vector, irq }) => [`${cpu} ${vector}`, irq]))
      }
      return irqs.get(`${msi.destination} ${msi.vector}`)
    },
    voteFor: (dev, cpu) => (given.length > 0 ? undefined : favourite(votes.get(`${dev} ${cpu}`))[1]),
    vectorsOf: (irq) => (vectors ? [] : learn.result().learnt.filter((one) => one.irq === irq)),
  }
}

function favourite(counts: ReadonlyMap<string, number> | undefined): [notify: string | undefined, vote: Vote] {
  let notify: string | undefined
  let agreed = 0
  let observed = 0
  for (const [candidate, count] of counts ?? []) {
    observed += count
    if (count <= agreed) continue
    agreed = count
    notify = candidate
  }
  return [notify, { agreed, observed }]
}

function isSure(of: Vote | [unknown, Vote]): boolean {
  const { agreed, observed } = Array.isArray(of) ? of[1] : of
  return agreed >= SURE_FEWEST && agreed * 10 >= observed * SURE_AGREED
}
