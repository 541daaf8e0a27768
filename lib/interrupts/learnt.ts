/** What recordings tell of a guest's vectors, as records or a table. */
import { drive } from '../cli/drive.js'
import { Failure, Usage } from '../cli/tool.js'
import { learntTable } from './drawing.js'
import { learnStage } from './learn-stage.js'
import type { Run } from './listing.js'

/** A vector that is not clear is left out and said: a wrong key would make wrong pairs. */
export async function learn({ context, out, json, wanted }: Run, files: readonly string[]) {
  if (wanted.length > 0) throw new Usage('--of is for the interrupts of a machine')
  const stage = learnStage()
  await drive({ ...context, files }, stage.accept, out)
  const { names, told } = stage.guests()
  if (names.length > 1 && !told)
    throw new Failure(
      `${names.length} guests (${names.join(', ')}): key-map --vm must first say which of them an MSI concerns`,
    )
  const { learnt, unclear } = stage.result()
  for (const { src, cpu, vector, agreed, observed, injected } of unclear)
    context.warn(
      `${src || 'guest'}: vector ${vector} of vCPU ${cpu} is not clear: ${injected} injected, ${observed} times alone, the most frequent interrupt then ${agreed} times`,
    )
  if (!json) {
    context.print(learntTable(learnt))
    return undefined
  }
  for (const { src, irq, name, cpu, vector, agreed, observed, injected, told: by } of learnt)
    out.write(
      JSON.stringify({
        type: 'irq',
        src: src || undefined,
        irq,
        name,
        vector,
        target: cpu,
        apic_id: cpu,
        told: by || undefined,
        agreed,
        observed,
        injected,
      }),
    )
  return {
    line: `${learnt.length} vectors learnt, ${unclear.length} not clear`,
    counts: { learnt: learnt.length, unclear: unclear.length },
  }
}
