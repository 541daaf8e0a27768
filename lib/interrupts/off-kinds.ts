/**
 * What an event says of interrupts on the CPU it happened on (x86):
 *
 *     timer        the interrupt of the CPU's own timer was taken (arch/x86/include/asm/trace/irq_vectors.h)
 *     interrupt    another one was taken, or softirqs run: interrupts were on just before, or are now
 *     switch       sched_switch: the kernel lets interrupts in at the end of each (finish_task_switch)
 *
 * Any other event tells it in its flags: `.` or `b` where the others have `d` or `D` is "interrupts on". What the host
 * says of a guest's interrupts are events of KVM.
 */
import { nameOf } from '../wire/names.js'

export type Kind =
  | 'timer'
  | 'interrupt'
  | 'switch'
  | 'hrtimer_start'
  | 'hrtimer_expire_entry'
  | 'kvm_entry'
  | 'kvm_exit'
  | 'kvm_inj_virq'
  | 'kvm_apic_accept_irq'
  | 'kvm_msi_set_irq'
  | 'other'

const kinds: Record<string, Kind> = {
  local_timer_entry: 'timer',
  sched_switch: 'switch',
  irq_handler_entry: 'interrupt',
  softirq_entry: 'interrupt',
  reschedule_entry: 'interrupt',
  call_function_entry: 'interrupt',
  call_function_single_entry: 'interrupt',
  irq_work_entry: 'interrupt',
  x86_platform_ipi_entry: 'interrupt',
}

const same = [
  'hrtimer_start',
  'hrtimer_expire_entry',
  'kvm_entry',
  'kvm_exit',
  'kvm_inj_virq',
  'kvm_apic_accept_irq',
  'kvm_msi_set_irq',
] as const

/** By the interned name of an event; each name is looked at once. */
export function kindsOf(): (event: number) => Kind {
  const known: (Kind | undefined)[] = []
  return (event) => {
    const kind = known[event]
    if (kind !== undefined) return kind
    const name = nameOf(event)
    const bare = name.slice(name.indexOf(':') + 1)
    const found = Object.hasOwn(kinds, bare) ? kinds[bare] : same.find((one) => one === bare)
    known[event] = found ?? 'other'
    return known[event]
  }
}
