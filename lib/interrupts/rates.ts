/**
 * How often interrupts come: two tables, the time between them. Counts are 32 bits wide and wrap; a CPU that was
 * not online at both ends tells nothing.
 */
import type { Interrupt } from './table.js'

export interface Rate {
  interrupt: Interrupt
  /** Interrupts in a second, by CPU; those that had none are left out. */
  perCpu: Map<number, number>
  total: number
}

/** The busiest first; an interrupt that did not come is left out. */
export function rates(before: readonly Interrupt[], after: readonly Interrupt[], ns: number): Rate[] {
  const old = new Map(before.map(({ irq, counts }) => [irq, counts]))
  return after
    .map((interrupt) => {
      const then = old.get(interrupt.irq)
      const perCpu = new Map<number, number>()
      for (const [cpu, count] of interrupt.counts ?? []) {
        const more = (count - (then?.get(cpu) ?? count)) >>> 0
        if (more > 0) perCpu.set(cpu, (more * 1e9) / ns)
      }
      return { interrupt, perCpu, total: [...perCpu.values()].reduce((sum, rate) => sum + rate, 0) }
    })
    .filter(({ total }) => total > 0)
    .sort((a, b) => b.total - a.total)
}
