/** What is printed of a path: its table, or the sequence to draw. */
import type { Sequence } from '../drawing/sequence.js'
import type { Budget } from './budget.js'
import { budgetSequence } from './budget-sequence.js'
import { budgetTable } from './budget-table.js'
import { type Sum, sumSequence, sumText } from './sum.js'
import type { TimeUnit } from './time-text.js'

export interface Page {
  table: string
  sequence: Sequence
}

/** `sum`: of the means of its stages, where the tracing is to be taken out of them. */
export function budgetPage(budget: Budget, sum: Sum | undefined, unit: TimeUnit): Page {
  const table = budgetTable(budget, unit)
  if (!sum) return { table: `${table}\n`, sequence: budgetSequence(budget, unit) }
  const title = `${budget.path}: means of ${budget.whole.calls} paths untraced, estimated`
  return { table: `${table}\nMeans of all paths:\n\n${sumText(sum, unit)}\n`, sequence: sumSequence(title, sum, unit) }
}

export function sumPage(sum: Sum, unit: TimeUnit): Page {
  const title = sum.estimate ? 'the path untraced, estimated' : 'the path'
  return { table: sumText(sum, unit), sequence: sumSequence(title, sum, unit) }
}
