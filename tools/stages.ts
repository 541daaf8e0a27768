/**
 * stages - where the time of a path went.
 *
 * Reads the `chain` records of chain(1) and prints a budget: for each stage how often it came, its time, its share of
 * the whole, and percentiles; the same for legs from one stage to another. Or adds up parts that are given, or
 * measured as legs. Told how long the path takes untraced, it estimates what of each time was tracing. Or the
 * sequence, drawn.
 *
 * What can mislead: a stage that was absent gives its time to the next one that came. Medians of stages do not add
 * up to the median of the path; totals do. `chain --than` held back what was not slow. What tracing added to which
 * stage is an assumption, never measured.
 */
import { toldAccount } from '../lib/chain/account.js'
import { readText } from '../lib/cli/read-text.js'
import { BadRecord, type Context, filter, type OptionValues, type Spec } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { drawings } from '../lib/drawing/drawings.js'
import { oneLine } from '../lib/drawing/visible.js'
import { type Budget, budgets } from '../lib/statistics/budget.js'
import { budgetPage, type Page, sumPage } from '../lib/statistics/budget-page.js'
import { methods } from '../lib/statistics/overhead.js'
import {
  isLeg,
  legOf,
  measured,
  type Part,
  partOf,
  partsOf,
  type SumPart,
  stageParts,
} from '../lib/statistics/parts.js'
import { addUp, type Sum } from '../lib/statistics/sum.js'
import type { TimeUnit } from '../lib/statistics/time-text.js'

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
    part: {
      type: 'string',
      array: true,
      default: [] as string[],
      value: 'text=time',
      describe: 'add up such parts, in their order; the time is a duration, or FROM:TO for the mean of a leg',
    },
    parts: { type: 'string', value: 'file', describe: 'the same from a file, in the language of js-sequence' },
    untraced: { type: 'string', value: 'duration', coerce: duration, describe: 'how long the path takes untraced' },
    traced: {
      type: 'string',
      value: 'duration',
      coerce: duration,
      describe: 'how long it took while it was traced; default: the sum of its parts',
    },
    overhead: { choices: methods, default: 'scale', describe: 'how the difference is taken out of the parts' },
    unit: { choices: units, default: 'us', describe: 'of the times' },
    mermaid: { type: 'boolean', default: false, describe: 'draw the sequence in the language of mermaid' },
    'js-sequence': { type: 'boolean', default: false, describe: 'draw it in the language of js-sequence' },
    svg: { type: 'boolean', default: false, describe: 'draw it as a picture' },
  },
  examples: [
    'chain --path two-guests-ping.path -- all.ndjson | stages --leg tap0_rx:tap1_tx',
    'chain --path two-guests-ping.path -- all.ndjson | stages --svg >ping.svg',
    'stages --part ovs=40us --part wake=181us --part ovs=40us --part wake=181us --traced 500us --untraced 180us',
  ],
} as const satisfies Spec

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text)
}

export default filter(spec, (options, context) => {
  const { unit, traced, untraced, overhead: method } = options
  const drawing = drawingOf(options)
  const legs = options.leg.map((leg) => legOf(leg))
  const parts = partsOfAll(options, context)
  const measuring = parts?.flatMap(({ time }) => (isLeg(time) ? [time] : [])) ?? []
  const alone = parts !== undefined && measuring.length === 0
  if (alone && context.files.join() !== '-') throw new Error('no part is FROM:TO: nothing would be read of the files')
  const found = budgets([...legs, ...measuring])
  /** What chain said of the paths that it did not complete. */
  const accounts: string[] = []

  function summed(made: () => readonly SumPart[]): Sum | undefined {
    try {
      return addUp(made(), { traced, untraced, method })
    } catch (error) {
      context.problem(oneLine((error as Error).message))
      return undefined
    }
  }

  function pages(all: readonly Budget[]): Page[] {
    if (!parts)
      return all.map((budget) =>
        budgetPage(budget, untraced === undefined ? undefined : summed(() => stageParts(budget)), unit),
      )
    const sum = summed(() => parts.map((part) => measured(part, all)))
    return sum ? [sumPage(sum, unit)] : []
  }

  return {
    alone,
    event() {},
    record(record) {
      if (record.type === 'summary') {
        const { tool, ...counts } = record.members
        if ((tool === 'chain' || tool === 'io-path') && accounts.length < 100) accounts.push(toldAccount(counts))
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
      const made = pages(all)
      for (const { from, to } of legs)
        if (all.length > 0 && !all.some((budget) => budget.legs.some((leg) => leg.from === from && leg.to === to)))
          context.problem(`--leg ${oneLine(`${from}:${to}`)}: no path has the one stage before the other`)
      if (drawing) {
        const sequences = made.map(({ sequence }) => sequence)
        if (sequences.length > 0) context.print(drawing(sequences, accounts))
        else context.warn('no path to draw')
        return undefined
      }
      for (const { table } of made) context.print(table)
      if (parts && accounts.length > 0) context.print('\n')
      for (const line of accounts) context.print(`${oneLine(line)}\n`)
      if (all.length === 0 && !parts) context.print('no paths\n')
      return undefined
    },
  }
})

type Options = OptionValues<typeof spec.options>

function drawingOf(options: Options): (typeof drawings)['svg'] | undefined {
  const [name, other] = (Object.keys(drawings) as (keyof typeof drawings)[]).filter((each) => options[each])
  if (other) throw new Error(`--${name} and --${other} exclude each other`)
  return name && drawings[name]
}

/** The parts of both options; undefined where there are none. */
function partsOfAll({ part, parts: path, leg, traced }: Options, context: Context): Part[] | undefined {
  if (part.length === 0 && path === undefined) {
    if (traced === undefined) return undefined
    throw new Error('--traced goes with --part and --parts')
  }
  if (leg.length > 0) throw new Error('--leg has no place beside --part; a part can be FROM:TO')
  const parts =
    path === undefined ? [] : partsOf(readText(path), (line, reason) => context.bad(`${path}:${line}`, reason))
  for (const written of part) parts.push(partOf(written, parts.at(-1)))
  return parts
}
