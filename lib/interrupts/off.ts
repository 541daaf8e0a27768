/**
 * Interrupts-off periods, from what each CPU's own events tell (quiet.ts, timers.ts) and from what the host of a guest
 * tells of its vCPUs (waiting.ts). The two are put together for guest CPU N = vCPU N:
 *
 *     proven       an interrupt of the host waited for a vCPU that ran on
 *     late         a tick or a timer came late: interrupts were off, or the CPU of a guest did not run
 *     uncertain    the same, with events missing in between
 *
 * and what is neither is counted: the host says that the vCPU did not run (`not_run`), or that no interrupt was there
 * (`not_waiting`); what was due came soon enough (`short`); nothing was due (`nothing_due`). It closes:
 *
 *     stretches = proven + late + uncertain + not_run + not_waiting + short + nothing_due
 */
import { addExpiry, dueOf, type Evidence, type QuietCpu, quietCpu, type Stretch } from './quiet.js'
import type { Expiry } from './timers.js'
import { type Vcpu, vcpuWaits, type Wait } from './waiting.js'

export const certainties = ['proven', 'late', 'uncertain'] as const
export type Certainty = (typeof certainties)[number]

const dismissals = ['not_run', 'not_waiting', 'short', 'nothing_due'] as const

export interface OffPeriod {
  /** Interned name of the machine; 0: not known. */
  src: number
  cpu: number
  certainty: Certainty
  /** Interrupts were on then, for the last time that is known. */
  beginAfter: number | undefined
  /** They were off from then on. */
  beginBefore: number
  end: number
  evidence: Evidence[]
  wait: Wait | undefined
  pid: number | undefined
  comm: string | undefined
}

export type OffCounts = Record<'stretches' | Certainty | (typeof dismissals)[number], number>

export interface OffOptions {
  /** Interned src of the host. */
  host: number
  than: number
  tick: number
  found(period: OffPeriod): void
}

/** Who is current, as the event of an interrupt says. */
export interface Current {
  pid: number | undefined
  comm(): string | undefined
}

export interface Off {
  /** The CPU, or null where there are too many; `told`: the events of this guest carry their `vm`. */
  cpu(src: number, cpu: number, told: boolean): QuietCpu | null
  /** The CPU has interrupts on; `taken`: it takes one. Answers the stretch that this ends, where it was long. */
  on(cpu: QuietCpu, at: number, taken: boolean, current: Current): Stretch | null
  expired(cpu: QuietCpu, at: number, expiry: Expiry | undefined, current: Current): void
  /** The vCPU that an interrupt is for; null: of which guest is not known. `all`: each one that KVM has is recorded. */
  target(vm: number, vcpu: number, all: boolean): Vcpu | null
  /** The thread of a vCPU; answers null where it is not known, or two guests cannot be told apart. */
  thread(pid: number, vm: number, vcpu: number | undefined): Vcpu | null
  lostGuest(src: number, cpu: number | undefined): void
  lostHost(until: number): void
  /** Waits that no event of the guest will claim any more. */
  sweep(vcpu: Vcpu, now: number): void
  end(): void
  counts(): OffCounts
  readonly ambiguous: boolean
  readonly beyond: number
}

const MAX_CPUS = 16384
const MAX_VCPUS = 4096
/** How long after its end a wait is held for the guest's own events. */
const CLAIM_NS = 1e9
/** An injection and the guest's first event after it are this near. */
const NEAR_NS = 5e6

export function offPeriods({ host, than, tick, found }: OffOptions): Off {
  const cpus = new Map<number, QuietCpu>()
  const vcpus = new Map<number, Vcpu>()
  const threads = new Map<number, Vcpu>()
  /** Stretches that have ended, and may get evidence from what runs in that interrupt. */
  const open = new Map<QuietCpu, Stretch>()
  const guests = new Set<number>()
  /** Of these nothing says which vm they are. */
  const untold = new Set<number>()
  /** Those of the threads that enter vCPUs. */
  const vms = new Set<number>()
  let ambiguous = false
  /** An interrupt was for a vCPU of which guest is not known. */
  let unclear = false
  /** Each interrupt that KVM has is recorded, not only MSIs. */
  let accepting = false
  let beyond = 0
  const counts: OffCounts = {
    stretches: 0,
    proven: 0,
    late: 0,
    uncertain: 0,
    not_run: 0,
    not_waiting: 0,
    short: 0,
    nothing_due: 0,
  }

  const idOf = (machine: number, cpu: number) => machine * 65536 + cpu

  function report(period: OffPeriod): void {
    counts.stretches++
    counts[period.certainty]++
    found(period)
  }

  function dismiss(why: (typeof dismissals)[number]): void {
    counts.stretches++
    counts[why]++
  }

  /** The only guest there is, where nothing tells guests apart. */
  function only(): number | undefined {
    const [src] = untold
    return guests.size === 1 ? src : undefined
  }

  function onlyVm(): number | undefined {
    const [vm] = vms
    return vms.size === 1 ? vm : undefined
  }

  function vcpuIn(vm: number, vcpu: number): Vcpu | null {
    const known = vcpus.get(idOf(vm, vcpu))
    if (known) return known
    if (vcpus.size === MAX_VCPUS) {
      beyond++
      return null
    }
    const made = vcpuWaits(vm, vcpu, than)
    vcpus.set(idOf(vm, vcpu), made)
    return made
  }

  /** What the host says of a guest's CPU. */
  function vcpuOf({ src, cpu }: QuietCpu): Vcpu | undefined {
    if (ambiguous) return undefined
    return vcpus.get(idOf(src, cpu)) ?? (only() === src ? vcpus.get(idOf(onlyVm() ?? 0, cpu)) : undefined)
  }

  function close(cpu: QuietCpu): void {
    const stretch = open.get(cpu)
    if (!stretch) return
    open.delete(cpu)
    const vcpu = vcpuOf(cpu)
    const waits = vcpu?.takeWaits(stretch.from, stretch.to + NEAR_NS) ?? []
    for (const wait of waits) provenBy(wait, cpu, stretch)
    if (waits.length === 0) judge(cpu, stretch, vcpu)
  }

  function provenBy(wait: Wait, { src, cpu }: QuietCpu, { from, evidence, pid, comm }: Stretch): void {
    if (wait.ran <= than) {
      dismiss('not_run')
      return
    }
    report({
      src,
      cpu,
      certainty: 'proven',
      beginAfter: Number.isNaN(wait.on) ? from : Math.min(wait.from, Math.max(from, wait.on)),
      beginBefore: wait.from,
      end: wait.to,
      evidence,
      wait,
      pid,
      comm,
    })
  }

  function judge({ src, cpu }: QuietCpu, stretch: Stretch, vcpu: Vcpu | undefined): void {
    const due = dueOf(stretch)
    if (stretch.evidence.length === 0) {
      dismiss('nothing_due')
      return
    }
    if (stretch.to - due <= than) {
      dismiss('short')
      return
    }
    const heard = vcpu !== undefined && vcpu.known <= stretch.from
    const uncertain = stretch.uncertain || (vcpu !== undefined && !heard)
    const ran = heard ? vcpu.ran(due, stretch.to) : undefined
    if (ran !== undefined && ran <= than) {
      dismiss('not_run')
      return
    }
    if (heard && accepting && !uncertain && !unclear) {
      dismiss('not_waiting')
      return
    }
    report({
      src,
      cpu,
      certainty: uncertain ? 'uncertain' : 'late',
      beginAfter: stretch.from,
      beginBefore: due,
      end: stretch.to,
      evidence: stretch.evidence,
      wait: undefined,
      pid: stretch.pid,
      comm: stretch.comm,
    })
  }

  /** Of a guest that tells nothing itself. */
  function provenByHostAlone(vcpu: Vcpu, before: number): void {
    // what two of one number did is nobody's
    if (ambiguous) return
    for (const wait of vcpu.takeWaits(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, before)) {
      if (wait.ran <= than) {
        dismiss('not_run')
        continue
      }
      report({
        src: vcpu.vm || (only() ?? 0),
        cpu: vcpu.vcpu,
        certainty: 'proven',
        beginAfter: Number.isNaN(wait.on) ? undefined : wait.on,
        beginBefore: wait.from,
        end: wait.to,
        evidence: [],
        wait,
        pid: undefined,
        comm: undefined,
      })
    }
  }

  function on(cpu: QuietCpu, at: number, taken: boolean, current: Current): Stretch | null {
    close(cpu)
    const stretch = cpu.on(at, current)
    if (stretch) open.set(cpu, stretch)
    vcpuOf(cpu)?.on(at, taken)
    return stretch
  }

  return {
    get ambiguous() {
      return ambiguous
    },
    get beyond() {
      return beyond
    },
    cpu(src, cpu, told) {
      const known = cpus.get(idOf(src, cpu))
      if (known) return known
      if (cpus.size === MAX_CPUS) {
        beyond++
        return null
      }
      if (src !== host) guests.add(src)
      if (src !== host && !told) untold.add(src)
      const made = quietCpu(src, cpu, than, tick)
      cpus.set(idOf(src, cpu), made)
      return made
    },
    on,
    expired(cpu, at, expiry, current) {
      const stretch = open.get(cpu)
      // the interrupt's own event came just before, or there is none such in the recording
      const ended = stretch && at - stretch.to < NEAR_NS ? stretch : on(cpu, at, true, current)
      if (ended && expiry) addExpiry(ended, expiry)
    },
    target(vm, vcpu, all) {
      accepting = all
      if (vm === 0 && vms.size > 1) unclear = true
      const of = vm || onlyVm()
      return of === undefined ? null : vcpuIn(of, vcpu)
    },
    thread(pid, vm, vcpu) {
      const known = threads.get(pid)
      if (known && (vcpu === undefined || known.vcpu === vcpu)) return known
      if (vcpu === undefined) return null
      const made = vcpuIn(vm, vcpu)
      if (made === null) return null
      if ([...threads.values()].includes(made)) ambiguous = true
      threads.set(pid, made)
      vms.add(vm)
      return made
    },
    lostGuest(src, cpu) {
      for (const one of cpus.values())
        if ((src === 0 || one.src === src) && (cpu === undefined || one.cpu === cpu)) {
          close(one)
          one.lost()
        }
    },
    lostHost(until) {
      for (const vcpu of vcpus.values()) vcpu.lost(until)
    },
    sweep: (vcpu, now) => provenByHostAlone(vcpu, now - CLAIM_NS),
    end() {
      for (const cpu of [...open.keys()]) close(cpu)
      for (const vcpu of vcpus.values()) provenByHostAlone(vcpu, Number.POSITIVE_INFINITY)
    },
    counts: () => ({ ...counts }),
  }
}
