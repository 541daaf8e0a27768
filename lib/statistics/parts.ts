/**
 * A path as somebody puts it together: parts one after another, each with a time that is given, measured (the mean of
 * a leg), or not known. Where a part is (`A->B: text`, `Note over A: text`) matters to a drawing only; a text
 * without a place stands where the part before ended.
 *
 * Example: `netdev_rxq_recv to netdev_send=40us`, `notification=eventfd_write:vcpu_runs`.
 */
import { parseDuration } from '../clock/duration.js'
import { readStep, splitTime } from '../drawing/js-sequence.js'
import type { Budget, Leg } from './budget.js'

export interface Part {
  from: string
  to: string
  text: string
  /** Nanoseconds; a leg that is to be measured; undefined: not known. */
  time: number | Leg | undefined
}

/** The same, measured. */
export interface SumPart extends Omit<Part, 'time'> {
  ns: number | undefined
  /** How many probes were hit in it, on the average: one at the end of each stage. */
  probes: number
}

/** `TEXT=TIME` of the command line, after the part `before`. Throws an Error. */
export function partOf(written: string, before: Part | undefined): Part {
  const [, said, time] = /^(.*)=([^=]*)$/s.exec(written) ?? []
  if (said === undefined || time === undefined) throw new Error(`--part ${JSON.stringify(written)} is not TEXT=TIME`)
  const step = /^note\s|->/i.test(said) && said.includes(':') ? readStep(said) : null
  const place = step ?? { from: before?.to ?? '', to: before?.to ?? '', text: said.trim() }
  return { from: place.from, to: place.to, text: place.text, time: time === '' ? undefined : timeOf(time) }
}

function timeOf(written: string): number | Leg {
  return /^[\d.]/.test(written) ? parseDuration(written) : legOf(written, '--part')
}

/** FROM:TO. Throws an Error. */
export function legOf(text: string, option = '--leg'): Leg {
  const [from, to, ...more] = text.split(':')
  if (!from || !to || more.length > 0) throw new Error(`${option} ${JSON.stringify(text)} is not FROM:TO`)
  return { from, to }
}

/** The parts of a text in the language of js-sequence, of which what is wrong is told with its line. */
export function partsOf(text: string, wrong: (line: number, reason: string) => void): Part[] {
  const parts: Part[] = []
  for (const [i, line] of text.split('\n').entries()) {
    try {
      const step = readStep(line)
      if (!step) continue
      const { text: said, time } = splitTime(step.text)
      parts.push({ ...step, text: said, time: time === undefined ? undefined : parseDuration(time) })
    } catch (error) {
      wrong(i + 1, (error as Error).message)
    }
  }
  return parts
}

export function isLeg(time: Part['time']): time is Leg {
  return typeof time === 'object'
}

/** A part with its time. Throws an Error where no path has its leg, or several have. */
export function measured({ time, ...part }: Part, budgets: readonly Budget[]): SumPart {
  if (!isLeg(time)) return { ...part, ns: time, probes: time === undefined ? 0 : 1 }
  const name = `${time.from}:${time.to}`
  const having = budgets.flatMap((budget) => {
    const leg = budget.legs.find(
      ({ from, to, histogram }) => from === time.from && to === time.to && histogram.calls > 0,
    )
    return leg ? [{ budget, leg }] : []
  })
  const [found, ...others] = having
  if (!found) throw new Error(`${name}: no path has the one stage before the other`)
  if (others.length > 0) throw new Error(`${name}: more than one path has these stages`)
  if (found.budget.unit !== 'ns') throw new Error(`${name} is cycles; tsc-align makes them ns`)
  return { ...part, ns: mean(found.leg.histogram), probes: probesOf(found.budget, time) }
}

function probesOf({ stages, whole }: Budget, { from, to }: Leg): number {
  const names = stages.map(({ stage }) => stage)
  return stages
    .slice(names.indexOf(from) + 1, names.indexOf(to) + 1)
    .reduce((total, { histogram }) => total + histogram.calls / whole.calls, 0)
}

function mean({ total, calls }: { total: bigint; calls: number }): number {
  return Number(total) / calls
}

/** The stages of a budget as parts: the mean of each over all the paths, so that they add up. */
export function stageParts({ unit, stages, whole }: Budget): SumPart[] {
  if (unit !== 'ns') throw new Error('the times are cycles; tsc-align makes them ns')
  const came = stages.filter(({ histogram }) => histogram.calls > 0)
  return came.slice(1).map(({ stage, src, histogram }, i) => ({
    from: came[i]?.src ?? '',
    to: src,
    text: stage,
    ns: Number(histogram.total) / whole.calls,
    probes: histogram.calls / whole.calls,
  }))
}
