/**
 * Estimating the offset of a guest's counter from what both machines recorded in their own cycles.
 *
 * Three rules bound it, with h a host time, g a guest time, and g = h + offset for the same instant:
 *
 *     running    a guest event on vCPU n lies between kvm_entry and kvm_exit of that vCPU's thread:
 *                g - exit <= offset <= g - entry for one of its stretches
 *     forward    a host event causes a guest event (kvm_msi_set_irq → irq_handler_entry): offset <= g - h
 *     backward   a guest event causes a host event (block_rq_issue → kvm_mmio): offset >= g - h
 *
 * First a sweep over all offsets at which the recordings overlap (sweep.ts; causes and effects take part as stretches
 * of one window after, or before, the host's event); then, near the best one, the interval of offsets that the most
 * constraints allow. The estimate is its middle. It is pinned if no other offset does nearly as well, nearly all
 * constraints hold, and both ends come from the data.
 *
 * Counted are constraints that do not hold at the estimate: with a true offset those are events that were
 * recorded wrongly or matched wrongly.
 */
import { causalPairs } from './causal-match.js'
import { merged } from './running.js'
import {
  type Bounds,
  best,
  type Plateau,
  type Rule,
  type Search,
  search,
  type Tally,
  tally,
  unboundedly,
} from './sweep.js'

/** Cause and effect, or effect and cause: by machine. */
export interface TwoSided {
  host: Float64Array
  guest: Float64Array
}

export interface Data {
  /** For each vCPU, the rule with each thread that may be it. */
  running: Rule[][]
  forward: TwoSided[]
  backward: TwoSided[]
  /** offset = base + what the relative times say. */
  base: bigint
}

/** How far from --near is looked: some tenths of a second. */
const NEAR_RANGE = 2 ** 29
/** How far from the best offset pairs alone may put it: some milliseconds. */
const PAIRS_REACH = 2 ** 23

export interface Limits {
  /** An offset not far from it; undefined: anywhere. */
  near: bigint | undefined
  /** Cycles within which an effect follows its cause. */
  window: number
}

export type Used = Pick<Tally, 'used' | 'violated'>

export interface Estimate {
  offset: number
  low: number
  high: number
  running: Tally
  forward: Used
  backward: Used
  found: Search
  pinned: string | null
}

/** What the data say, or why they say nothing. */
export function estimate(data: Data, options: Limits): Estimate | string {
  const causal = causalRules(data, options.window)
  const every = [...data.running.flat(), ...causal]
  if (every.length === 0)
    return 'nothing to estimate from: no kvm_entry and kvm_exit with guest events on the same vCPU, and no pairs of --forward or --backward'
  const [lo, hi] = range(every, data.base, options.near)
  const chosen = chooseThreads(data.running, causal, lo, hi)
  return refine(data, chosen, search([...chosen, ...causal], lo, hi), options.window)
}

/** Which thread is which vCPU: the one that fits best, the vCPU with most events first. */
function chooseThreads(running: Rule[][], causal: Rule[], lo: number, hi: number): Rule[] {
  if (running.every((candidates) => candidates.length === 1)) return running.flat()
  const chosen: Rule[] = []
  let found: Search | null = null
  for (const candidates of running) {
    const fits = candidates.map((rule) => {
      const own = found ? null : search([rule, ...causal], lo, hi)
      return { rule, own, covered: own?.best.covered ?? coveredNear(rule, found as Search) }
    })
    const [first] = fits.sort((a, b) => b.covered - a.covered)
    if (!first) continue
    chosen.push(first.rule)
    found ??= first.own
  }
  return chosen
}

/** How well a thread fits an offset that is known roughly. */
function coveredNear(rule: Rule, { best: { offset }, width }: Search): number {
  return best([rule], offset - width, offset + width).count
}

function causalRules({ forward, backward }: Data, window: number): Rule[] {
  const after = (host: Float64Array) => merged([...host].map((time): [number, number] => [time, time + window]))
  const before = (host: Float64Array) => merged([...host].map((time): [number, number] => [time - window, time]))
  return [
    ...forward.map(({ host, guest }) => ({ events: guest, stretches: after(host) })),
    ...backward.map(({ host, guest }) => ({ events: guest, stretches: before(host) })),
  ].filter(({ events, stretches }) => events.length > 0 && stretches.from.length > 0)
}

/** Where the recordings overlap at all, or near what was given. */
function range(rules: readonly Rule[], base: bigint, given: bigint | undefined): [number, number] {
  if (given !== undefined) {
    const middle = Number(BigInt.asIntN(64, given - base))
    return [middle - NEAR_RANGE, middle + NEAR_RANGE]
  }
  const lo = Math.min(...rules.map(({ events, stretches }) => (events[0] as number) - (stretches.to.at(-1) as number)))
  const hi = Math.max(
    ...rules.map(({ events, stretches }) => (events.at(-1) as number) - (stretches.from[0] as number)),
  )
  return [lo, hi + 1]
}

function refine(data: Data, running: Rule[], found: Search, window: number): Estimate {
  const reach = running.length > 0 ? found.width : PAIRS_REACH
  const open = unboundedly(running)
  const near = (at: number, bounds?: Bounds) => best(open, at - reach, at + reach, bounds)
  const alone = running.length > 0 ? near(found.best.offset) : null
  let plateau: Pick<Plateau, 'low' | 'high'> = alone ?? { low: found.best.offset, high: found.best.offset }
  let bounds: Bounds = { most: [], least: [] }
  // the middle tells which effect is whose; the pairs move the middle
  for (let round = 0; round < 2; round++) {
    const middle = Math.floor((plateau.low + plateau.high) / 2)
    bounds = causalBounds(data, middle, window)
    plateau = near(middle, alone ? sound(bounds, alone) : bounds)
  }
  const { low, high } = plateau
  const offset = Math.floor((low + high) / 2)
  const estimated = {
    offset,
    low,
    high,
    running: tally(running, offset),
    forward: { used: bounds.most.length, violated: bounds.most.filter((bound) => offset > bound).length },
    backward: { used: bounds.least.length, violated: bounds.least.filter((bound) => offset < bound).length },
    found,
  }
  return { ...estimated, pinned: doubt(estimated, running.length > 0, reach) }
}

function causalBounds({ forward, backward }: Data, middle: number, window: number): Bounds {
  return {
    most: forward.flatMap(({ host, guest }) =>
      causalPairs(moved(host, middle), guest, window).map(({ bound }) => middle + bound),
    ),
    least: backward.flatMap(({ host, guest }) =>
      causalPairs(guest, moved(host, middle), window).map(({ bound }) => middle - bound),
    ),
  }
}

/** A direction with a pair that the running rule forbids has wrong matches: it is counted, and narrows nothing. */
function sound({ most, least }: Bounds, { low, high }: Plateau): Bounds {
  return {
    most: most.every((bound) => bound >= low) ? most : [],
    least: least.every((bound) => bound <= high) ? least : [],
  }
}

function moved(times: Float64Array, by: number): Float64Array {
  return times.map((time) => time + by)
}

/** Why the offset is not pinned; null where it is. */
function doubt(
  { running, forward, backward, found, low, high }: Omit<Estimate, 'pinned'>,
  runs: boolean,
  reach: number,
): string | null {
  const used = running.used + forward.used + backward.used
  const violated = running.violated + forward.violated + backward.violated
  if (used < 20) return `only ${used} constraints`
  if (violated > used * 0.02) return `${violated} of ${used} constraints do not hold at the best offset`
  if (!runs && forward.used === 0) return 'nothing bounds it from above: give --forward'
  if (!runs && backward.used === 0) return 'nothing bounds it from below: give --backward'
  if (found.rivalMisses < found.misses + 10)
    return `another offset, ${Math.round(found.rival - found.best.offset)} cycles away, does as well`
  if (high - low >= reach) return 'the interval is wider than what was looked at'
  return null
}
