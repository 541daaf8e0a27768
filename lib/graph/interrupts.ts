/**
 * By which functions the kernel enters an interrupt. The text of the tracer marks them (`==========>`), for it knows
 * the section that they stand in (__irqentry_text); the records of the ring buffer do not, so their names must tell.
 *
 * x86: arch/x86/include/asm/idtentry.h (sysvec_*, common_interrupt), before Linux 5.8 do_IRQ and smp_*_interrupt;
 * arm64: drivers/irqchip/irq-gic*.c, arch/arm64/kernel/entry-common.c.
 */
const ENTRIES =
  /^(?:(?:__)?sysvec_\w+|(?:__)?common_interrupt|do_IRQ|smp_\w+_interrupt|gic_handle_irq|(?:__)?el[01]t?_(?:64_)?(?:irq|fiq|interrupt)\w*|(?:exc|asm_exc|default_do)_nmi)(?:\.\w+)*$/

/**
 * On x86 the entry itself is not traced (noinstr), and calls three functions that are: irq_enter_rcu, the interrupt's
 * own, and irq_exit_rcu, in which soft interrupts run. On arm64 gic_handle_irq calls them, within one tree.
 */
const AROUND = /^irq_(?:enter|exit)(?:_rcu)?$/

/** `within`: of a tree that is an interrupt already. */
export function entersInterrupt(func: string, within: boolean): boolean {
  return ENTRIES.test(func) || (!within && AROUND.test(func))
}
