/** A budget as a sequence: a step for each stage that came, from the machine of the one before, with its median. */
import type { Sequence, Step } from '../drawing/sequence.js'
import type { Budget } from './budget.js'
import { exactThousandths, perUnit, type TimeUnit } from './time-text.js'

export function budgetSequence({ path, unit: kind, stages, whole }: Budget, unit: TimeUnit): Sequence {
  const came = stages.filter(({ histogram }) => histogram.calls > 0)
  const scale = kind === 'cycles' ? 1e3 : perUnit[unit]
  const all = Number(whole.total)
  const steps = came.slice(1).map(({ stage, src, histogram }, i): Step => {
    const median = exactThousandths(BigInt(histogram.percentile(50)), scale)
    return {
      from: came[i]?.src ?? '',
      to: src,
      text: stage,
      time: `${median} ${kind === 'cycles' ? 'kcyc' : unit}${rare(histogram.calls, whole.calls)}`,
      share: all === 0 ? 0 : Number(histogram.total) / all,
    }
  })
  return { title: `${path}: medians of ${whole.calls} paths`, steps, remarks: [] }
}

/** A stage that is mostly absent is not part of the usual sequence. */
function rare(calls: number, of: number): string {
  return calls === of ? '' : ` (${calls} of ${of})`
}
