/** Interrupts sent to other CPUs: what was, what was asked for, and what the kernel made of it. */
import { affinityOf, affinityText, offlineOf, pendingText, type Setting, setAffinity } from './affinity.js'
import type { Run } from './listing.js'

/** Each interrupt by itself: one that the kernel refuses does not keep the others from being set. */
export async function change({ context, out, root, json }: Run, settings: readonly Setting[], dryRun: boolean) {
  let set = 0
  for (const setting of settings) {
    const { irq, cpus } = setting
    try {
      const offline = offlineOf(root, setting)
      if (offline.length > 0) context.warn(`interrupt ${irq}: CPU ${offline.join(', ')} is not online`)
      const before = affinityOf(root, irq)
      if (!dryRun) setAffinity(root, setting)
      const after = affinityOf(root, irq)
      if (!dryRun) set++
      if (json)
        out.write(
          JSON.stringify({ type: 'irq_affinity', irq, asked: cpus, before, after, dry_run: dryRun || undefined }),
        )
      else if (dryRun) context.print(`interrupt ${irq}: ${cpus} would be written, now ${affinityText(before)}\n`)
      else
        context.print(
          `interrupt ${irq}: was ${affinityText(before)}; now ${affinityText(after)}${pendingText(after)}\n`,
        )
    } catch (error) {
      context.problem((error as Error).message)
    }
  }
  return json ? { line: `${set} of ${settings.length} set`, counts: { asked: settings.length, set } } : undefined
}
