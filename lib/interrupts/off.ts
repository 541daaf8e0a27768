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
import { showDuration } from '../clock/duration.js'
import { type OffVcpus, offVcpus, placeId } from './off-vcpus.js'
import { dueOf, type Evidence, type QuietCpu, quietCpu, type Stretch } from './quiet.js'
import type { Expiry } from './timers.js'
import type { Vcpu, Wait } from './waiting.js'

export type Certainty = 'proven' | 'late' | 'uncertain'

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
  lostGuest(src: number, cpu: number | undefined): void
  lostHost(until: number): void
  /** Waits that no event of the guest will claim any more. */
  sweep(vcpu: Vcpu, now: number): void
  end(): void
  counts(): OffCounts
  readonly vcpus: OffVcpus
  /** Events of CPUs that are too many. */
  readonly beyond: number
}

const MAX_CPUS = 16384
/** How long after its end a wait is held for the guest's own events. */
const CLAIM_NS = 1e9
/** An injection and the guest's first event after it are this near. */
const NEAR_NS = 5e6

export function offPeriods({ host, than, tick, found }: OffOptions): Off {
  const cpus = new Map<number, QuietCpu>()
  const vcpus = offVcpus(than)
  /** Stretches that have ended, and may get evidence from what runs in that interrupt. */
  const open = new Map<QuietCpu, Stretch>()
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

  function report(period: OffPeriod): void {
    counts.stretches++
    counts[period.certainty]++
    found(period)
  }

  function dismiss(why: (typeof dismissals)[number]): void {
    counts.stretches++
    counts[why]++
  }

  function close(cpu: QuietCpu): void {
    const stretch = open.get(cpu)
    if (!stretch) return
    open.delete(cpu)
    const vcpu = vcpus.ofGuest(cpu.src, cpu.cpu)
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
    if (heard && vcpus.complete && !uncertain) {
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
    if (vcpus.ambiguous) return
    for (const wait of vcpu.takeWaits(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, before)) {
      if (wait.ran <= than) {
        dismiss('not_run')
        continue
      }
      report({
        src: vcpu.vm || (vcpus.onlyGuest() ?? 0),
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
    vcpus.ofGuest(cpu.src, cpu.cpu)?.on(at, taken)
    return stretch
  }

  return {
    vcpus,
    get beyond() {
      return beyond + vcpus.beyond
    },
    cpu(src, cpu, told) {
      const known = cpus.get(placeId(src, cpu))
      if (known) return known
      if (cpus.size === MAX_CPUS) {
        beyond++
        return null
      }
      if (src !== host) vcpus.guest(src, told)
      const made = quietCpu(src, cpu, than, tick)
      cpus.set(placeId(src, cpu), made)
      return made
    },
    on,
    expired(cpu, at, expiry, current) {
      const stretch = open.get(cpu)
      // the interrupt's own event came just before, or there is none such in the recording
      const ended = stretch && at - stretch.to < NEAR_NS ? stretch : on(cpu, at, true, current)
      if (ended && expiry) cpu.expired(ended, expiry)
    },
    lostGuest(src, cpu) {
      for (const one of cpus.values())
        if ((src === 0 || one.src === src) && (cpu === undefined || one.cpu === cpu)) {
          close(one)
          one.lost()
        }
    },
    lostHost(until) {
      for (const vcpu of vcpus.all()) vcpu.lost(until)
    },
    sweep: (vcpu, now) => provenByHostAlone(vcpu, now - CLAIM_NS),
    end() {
      for (const cpu of [...open.keys()]) close(cpu)
      for (const vcpu of vcpus.all()) provenByHostAlone(vcpu, Number.POSITIVE_INFINITY)
    },
    counts: () => ({ ...counts }),
  }
}

const dismissed: Record<(typeof dismissals)[number], string> = {
  not_run: 'in which the vCPU did not run',
  not_waiting: 'in which no interrupt waited',
  short: 'that were shorter',
  nothing_due: 'in which nothing was due',
}

/** `14 stretches without an interrupt for more than 40.000 ms = 10 proven + 2 late + 2 in which nothing was due` */
export function offAccount(counts: OffCounts, than: number): string {
  const { stretches, proven, late, uncertain } = counts
  const parts = [`${proven} proven`, `${late} late`, ...(uncertain > 0 ? [`${uncertain} uncertain`] : [])]
  for (const name of dismissals) if (counts[name] > 0) parts.push(`${counts[name]} ${dismissed[name]}`)
  return `${stretches} ${stretches === 1 ? 'stretch' : 'stretches'} without an interrupt for more than ${showDuration(than)} = ${parts.join(' + ')}`
}
