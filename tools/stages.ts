/**
 * stages - where the time of a path went.
 *
 * Reads the `chain` records of chain(1) and prints a budget: for each stage how often it came, its time, its share of
 * the whole, and percentiles; the same for legs from one stage to another. Or the sequence, drawn.
 *
 * What can mislead: a stage that was absent gives its time to the next one that came. Medians of stages do not add
 * up to the median of the path; totals do. `chain --than` held back what was not slow.
 */
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { mermaid, type Step } from '../lib/drawing/sequence.js'
import { oneLine } from '../lib/drawing/visible.js'
import { type Budget, budgets, type Leg } from '../lib/statistics/budget.js'
import { budgetTable } from '../lib/statistics/budget-table.js'
import { exactThousandths, perUnit, type TimeUnit } from '../lib/statistics/latency-table.js'

const units = ['ns', 'us', 'ms', 's'] as const satisfies TimeUnit[]

const spec = {
  name: 'stages',
  summary: 'where the time of a path went: the budget of its stages',
  operands: '[file...]',
  own: 0,
  options: {
    leg: {
      type: 'string',
      array: true,
      default: [] as string[],
      value: 'from:to',
      describe: 'also the time from one stage to another; may come again',
    },
    unit: { choices: units, default: 'us', describe: 'of the times' },
    mermaid: {
      type: 'boolean',
      default: false,
      describe: 'draw the sequence in the language of mermaid, with medians',
    },
  },
  examples: [
    'chain --path two-guests-ping.path -- all.ndjson | stages --leg tap0_rx:tap1_tx',
    'chain --path two-guests-ping.path -- all.ndjson | stages --mermaid',
  ],
} as const satisfies Spec

export default filter(spec, (options, context) => {
  const found = budgets(options.leg.map(legOf))
  /** What chain said of the paths that it did not complete. */
  const accounts: string[] = []

  return {
    event() {},
    record(record) {
      if (record.type === 'summary') {
        const { tool, ...counts } = record.members
        if (tool === 'chain' && accounts.length < 100) accounts.push(account(counts))
      }
      if (record.type !== 'chain') return
      try {
        found.add(record.members)
      } catch (error) {
        throw new BadRecord((error as Error).message)
      }
    },
    end() {
      const all = found.all()
      for (const budget of all)
        context.print(options.mermaid ? drawn(budget, options.unit) : `${budgetTable(budget, options.unit)}\n`)
      for (const { from, to } of options.leg.map(legOf))
        if (all.length > 0 && !all.some(({ legs }) => legs.some((leg) => leg.from === from && leg.to === to)))
          context.problem(`--leg ${oneLine(`${from}:${to}`)}: no path has the one stage before the other`)
      for (const line of accounts) context.print(`${options.mermaid ? '%% ' : ''}${oneLine(line)}\n`)
      if (all.length === 0 && !options.mermaid) context.print('no paths\n')
      return undefined
    },
  }
})

function legOf(text: string): Leg {
  const [from, to, ...more] = text.split(':')
  if (!from || !to || more.length > 0) throw new Error(`--leg ${JSON.stringify(text)} is not FROM:TO`)
  return { from, to }
}

/** `path: 148 started, 147 completed, 1 lost`: what is 0 is left out. */
function account({ path, ...counts }: Record<string, unknown>): string {
  const shown = ['started', 'completed', 'broken', 'replaced', 'expired', 'evicted', 'lost', 'acausal', 'open', 'bad']
  const parts = shown.filter((name) => typeof counts[name] === 'number' && (counts[name] !== 0 || name === 'completed'))
  const stopped = counts.stopped_before === undefined ? '' : `; stopped before ${counts.stopped_before}`
  return `${path}: ${parts.map((name) => `${counts[name]} ${name}`).join(', ')}${stopped}`
}

/** A stage that never came is left out; the arrow is from the one before it that did. */
function drawn({ path, unit: kind, stages, whole }: Budget, unit: TimeUnit): string {
  const came = stages.filter(({ histogram }) => histogram.calls > 0)
  const scale = kind === 'cycles' ? 1e3 : perUnit[unit]
  const steps = came.slice(1).map(({ stage, src, histogram }, i): Step => {
    const median = exactThousandths(BigInt(histogram.percentile(50)), scale)
    return {
      from: came[i]?.src ?? '',
      to: src,
      text: `${stage} ${median} ${kind === 'cycles' ? 'kcyc' : unit}${rare(histogram.calls, whole.calls)}`,
    }
  })
  return mermaid(`${path}: medians of ${whole.calls} paths`, steps)
}

/** A stage that is mostly absent is not part of the usual sequence. */
function rare(calls: number, of: number): string {
  return calls === of ? '' : ` (${calls} of ${of})`
}
