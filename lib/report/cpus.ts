/**
 * CPUs of all machines: which task each ran (sched_switch), and the interrupts that ran above it, from each
 * `*_entry` of an interrupt to its `*_exit` on that CPU.
 */
import { textOf } from '../wire/plain-text.js'
import { type Segment, type Stretches, stretches } from './lane.js'
import { integer, type Moment, taskName } from './moment.js'
import { IDLE, IRQ, SOFTIRQ, TASK, VCPU_TASK } from './page-data.js'

export interface Cpu {
  src: string
  number: number
  ran: Stretches
  interrupts: Segment[]
  events: number
}

export interface Cpus {
  readonly all: readonly Cpu[]
  of(src: string, number: number): Cpu
  take(moment: Moment): void
}

/** irq_handler_entry, softirq_entry, and those of asm/trace/irq_vectors.h. */
const interrupt =
  /^(irq_handler|softirq|local_timer|reschedule|call_function|call_function_single|irq_work|x86_platform_ipi|thermal_apic|error_apic|spurious_apic|threshold_apic|deferred_error_apic|ipi)_(entry|exit)$/

export function cpusOf(isVcpu: (src: string, pid: number | undefined) => boolean): Cpus {
  const found = new Map<string, Cpu>()
  const entered = new Map<string, { at: number; text: string }>()

  function of(src: string, number: number): Cpu {
    const id = `${number} ${src}`
    const known = found.get(id)
    if (known) return known
    const made: Cpu = { src, number, ran: stretches(), interrupts: [], events: 0 }
    found.set(id, made)
    return made
  }

  function stateOf(src: string, pid: number | undefined): number {
    if (pid === 0) return IDLE
    return isVcpu(src, pid) ? VCPU_TASK : TASK
  }

  function switched({ ran }: Cpu, { at, src, args }: Moment): void {
    const prev = integer(args.prev_pid)
    const next = integer(args.next_pid)
    ran.was(at, stateOf(src, prev), taskName(args.prev_comm, prev))
    ran.set(at, stateOf(src, next), taskName(args.next_comm, next))
  }

  function interrupted(cpu: Cpu, { at, args }: Moment, kind: string, isEntry: boolean): void {
    const id = `${kind} ${cpu.number} ${cpu.src}`
    if (isEntry) {
      entered.set(id, { at, text: nameOf(kind, args) })
      return
    }
    const entry = entered.get(id)
    entered.delete(id)
    if (!entry) return
    const state = kind === 'softirq' ? SOFTIRQ : IRQ
    cpu.interrupts.push({ from: entry.at, to: at, state, text: entry.text, cpu: undefined })
  }

  return {
    get all() {
      return [...found.values()]
    },
    of,
    take(moment) {
      if (moment.cpu === undefined) return
      const cpu = of(moment.src, moment.cpu)
      cpu.events++
      if (moment.event === 'sched_switch') {
        switched(cpu, moment)
        return
      }
      const match = interrupt.exec(moment.event)
      if (match) interrupted(cpu, moment, match[1] as string, match[2] === 'entry')
    },
  }
}

function nameOf(kind: string, args: Record<string, unknown>): string {
  if (kind === 'irq_handler') return taskName(args.name ?? `irq ${textOf(args.irq ?? '?')}`, undefined)
  if (kind === 'softirq') return `softirq ${taskName(args.action ?? textOf(args.vec ?? '?'), undefined)}`
  return kind.replaceAll('_', ' ')
}
