/**
 * The budget of a path: how much of its time went into each stage, over all the chain records of that path.
 *
 * A stage's time is that since the nearest stage before it that came, so the times of a path's stages add up to the
 * path's own, and the shares to 100 %. A leg is from one stage to another one, in those paths where both came.
 *
 * Example: two paths a, b, c of 4 + 6 and 2 + 8: b has 6 of 20 (30 %), c 14 (70 %), the leg from a to c is both, 20.
 */
import { textOf } from '../wire/plain-text.js'
import { type Histogram, histogram } from './histogram.js'

export interface Leg {
  from: string
  to: string
}

export interface StageBudget {
  stage: string
  /** Of the stage's first event. */
  src: string
  histogram: Histogram
}

export interface Budget {
  readonly path: string
  readonly unit: 'ns' | 'cycles'
  /** In the path's order. The first stage begins the path and takes no time. */
  readonly stages: readonly StageBudget[]
  readonly legs: readonly (Leg & { histogram: Histogram })[]
  readonly whole: Histogram
}

export interface Budgets {
  /** Throws an Error where the record is no sound chain. */
  add(members: Record<string, unknown>): void
  all(): readonly Budget[]
}

/** Paths and stages told apart: no more than anyone draws. */
const MOST_PATHS = 100
const MOST_STAGES = 1000

interface Came {
  stage: string
  src: string
  delta: number | undefined
  at: number
}

export function budgets(legs: readonly Leg[]): Budgets {
  const found = new Map<string, Budget>()

  function budgetOf(path: string, unit: 'ns' | 'cycles', stages: readonly Came[]): Budget {
    const id = `${unit} ${path}`
    const known = found.get(id)
    if (known) return known
    if (found.size >= MOST_PATHS) throw new Error(`more than ${MOST_PATHS} paths`)
    const names = stages.map(({ stage }) => stage)
    const made: Budget = {
      path,
      unit,
      stages: stages.map(({ stage, src }) => ({ stage, src, histogram: histogram() })),
      legs: legs
        .filter(({ from, to }) => names.includes(from) && names.indexOf(to) > names.indexOf(from))
        .map((leg) => ({ ...leg, histogram: histogram() })),
      whole: histogram(),
    }
    found.set(id, made)
    return made
  }

  return {
    add(members) {
      const unit = members.delta_ns === undefined ? 'cycles' : 'ns'
      if (members.path === undefined) throw new Error('the chain has no path')
      const stages = cameOf(members, unit)
      const budget = budgetOf(textOf(members.path), unit, stages)
      if (budget.stages.some(({ stage }, i) => stages[i]?.stage !== stage) || budget.stages.length !== stages.length)
        throw new Error('the chain has other stages than those before of the same path')
      budget.whole.record(stages.at(-1)?.at ?? 0)
      for (const [i, { delta, src }] of stages.entries()) {
        const of = budget.stages[i] as StageBudget
        if (delta === undefined) continue
        of.src ||= src
        of.histogram.record(delta)
      }
      for (const leg of budget.legs) {
        const from = stages.find(({ stage }) => stage === leg.from) as Came
        const to = stages.find(({ stage }) => stage === leg.to) as Came
        if (from.delta !== undefined && to.delta !== undefined) leg.histogram.record(to.at - from.at)
      }
    },
    all: () => [...found.values()],
  }
}

/** The stages of a record, each with its time since the path's start. */
function cameOf({ stages }: Record<string, unknown>, unit: 'ns' | 'cycles'): Came[] {
  if (!Array.isArray(stages) || stages.length < 2 || stages.length > MOST_STAGES)
    throw new Error('the chain has no stages')
  let at = 0
  return stages.map((member): Came => {
    const { stage, src = '', ...rest } = (member ?? {}) as Record<string, unknown>
    if (typeof stage !== 'string') throw new Error('a stage of the chain has no name')
    const written = unit === 'ns' ? rest.delta_ns : rest.delta_tsc
    if (written === undefined) return { stage, src: '', delta: undefined, at }
    // 16 digits and more come as text
    const delta = typeof written === 'string' && /^\d+$/.test(written) ? Number(written) : written
    if (!Number.isSafeInteger(delta) || (delta as number) < 0) throw new Error(`stage ${stage} has no sound delta`)
    at += delta as number
    if (!Number.isSafeInteger(at)) throw new Error('the path is longer than 2^53')
    return { stage, src: textOf(src), delta: delta as number, at }
  })
}
