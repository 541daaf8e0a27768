/**
 * A guest's interrupts as its host sees them: KVM has one for a vCPU (`kvm_apic_accept_irq`), and injects it
 * (`kvm_inj_virq`) as soon as the guest lets it in. While one is pending, each time that the vCPU runs on (`kvm_entry`)
 * without having got it, the guest keeps interrupts off (arch/x86/kvm/x86.c, kvm_check_and_inject_events).
 *
 *     accepted      entered, not injected      injected            off from "entered" to "injected", at least;
 *        |                  |######## ran #########|               a vCPU that did not run proves nothing before
 *
 * Whatever else shows that interrupts are on (an injection of another vector, HLT, an event of the guest) begins this
 * anew. A loss forgets all of it. Where the processor injects by itself (APICv, AVIC) there is no kvm_inj_virq, and the
 * guest's own events end the wait.
 */

export interface Wait {
  vector: number
  /** When KVM had it. */
  accepted: number
  /** Interrupts were off from then on. */
  from: number
  to: number
  /** How long the vCPU ran in this time. */
  ran: number
  /** Interrupts were last known to be on. */
  on: number
}

export interface Vcpu {
  readonly vm: number
  readonly vcpu: number
  /** Takes out the waits in this time, those that ended before `until`. */
  takeWaits(from: number, to: number, until?: number): Wait[]
  /** How long it ran in the guest in this time; undefined where that is not known. */
  ran(from: number, to: number): number | undefined
  accept(vector: number, at: number): void
  entry(at: number): void
  exit(at: number, halted: boolean): void
  inject(vector: number, at: number): void
  /** The guest's own events show that interrupts are on; `taken`: by taking one. */
  on(at: number, taken: boolean): void
  lost(until: number): void
  /** Of a loss: nothing before it is known. */
  readonly known: number
}

/** Stretches of running that are remembered. */
const REMEMBERED = 1024
const MAX_WAITS = 64

/** Waits longer than `than` are kept to be taken. */
export function vcpuWaits(vm: number, vcpu: number, than: number): Vcpu {
  const pending = new Map<number, number>()
  const froms = new Float64Array(REMEMBERED)
  const tos = new Float64Array(REMEMBERED)
  let n = 0
  let entered = Number.NaN
  /** All that it ran before it was entered last; the same when `proven` began. */
  let total = 0
  let provenRan = 0
  let proven = Number.NaN
  let lastOn = Number.NaN
  let known = Number.NEGATIVE_INFINITY
  /** Its thread is known: before, an injection could not be told to be its. */
  let met = false
  let injects = false
  let waits: Wait[] = []

  function ran(from: number, to: number): number | undefined {
    let sum = entered < to ? to - Math.max(from, entered) : 0
    const oldest = Math.max(0, n - REMEMBERED)
    for (let i = n - 1; i >= oldest; i--) {
      const at = i % REMEMBERED
      if ((tos[at] as number) <= from) return sum
      sum += Math.max(0, Math.min(to, tos[at] as number) - Math.max(from, froms[at] as number))
    }
    const first = n > 0 ? (froms[oldest % REMEMBERED] as number) : entered
    return first <= from && from >= known ? sum : undefined
  }

  function ranUntil(at: number): number {
    return Number.isNaN(entered) ? total : total + at - entered
  }

  /** Interrupts are off from here on, where the vCPU is in the guest with one pending. */
  function prove(at: number): void {
    proven = pending.size > 0 && !Number.isNaN(entered) ? at : Number.NaN
    provenRan = ranUntil(at)
  }

  /** Interrupts are on at `at`: what waits on begins anew. */
  function restart(at: number): void {
    if (at - proven > than && waits.length < MAX_WAITS) {
      const [[vector, accepted] = [0, proven]] = pending
      waits.push({ vector, accepted, from: proven, to: at, ran: ranUntil(at) - provenRan, on: lastOn })
    }
    lastOn = at
    prove(at)
  }

  return {
    vm,
    vcpu,
    get known() {
      return known
    },
    ran,
    takeWaits(from, to, until = Number.POSITIVE_INFINITY) {
      if (waits.length === 0) return waits
      const taken = waits.filter((wait) => wait.to > from && wait.from < to && wait.to < until)
      if (taken.length > 0) waits = waits.filter((wait) => !taken.includes(wait))
      return taken
    },
    accept(vector, at) {
      if (!met || pending.has(vector)) return
      pending.set(vector, at)
      if (pending.size === 1) prove(at)
    },
    entry(at) {
      met = true
      entered = at
      if (Number.isNaN(proven)) prove(at)
    },
    exit(at, halted) {
      if (!Number.isNaN(entered)) {
        total += at - entered
        froms[n % REMEMBERED] = entered
        tos[n++ % REMEMBERED] = at
      }
      entered = Number.NaN
      if (!halted) return
      // a guest halts with interrupts on: what is still pending then is none
      restart(at)
      pending.clear()
      proven = Number.NaN
    },
    inject(vector, at) {
      injects = true
      restart(at)
      pending.delete(vector)
      // one of a higher class would have come first (SDM 11.8.3): it is pending no more
      for (const other of pending.keys()) if (other >> 4 > vector >> 4) pending.delete(other)
      if (pending.size === 0) proven = Number.NaN
    },
    on(at, taken) {
      restart(at)
      if (!taken || injects) return
      pending.clear()
      proven = Number.NaN
    },
    lost(until) {
      pending.clear()
      waits = []
      n = 0
      entered = Number.NaN
      proven = Number.NaN
      lastOn = Number.NaN
      known = until
    },
  }
}
