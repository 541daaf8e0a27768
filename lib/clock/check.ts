/**
 * Checking an alignment: what pairs of a cause on one machine and its effect on the other prove.
 *
 * An effect does not come before its cause. So a pair host → guest of latency L says x <= L, where x is a correction
 * to be added to the host's times; a pair guest → host of latency L says x >= -L. The smallest latencies of both
 * directions are the interval in which a correction may lie: 78.5 us forwards and 31.0 us backwards, and the
 * offset is right to [-31.0 us, +78.5 us]. A pair host → guest that is early by 400 us says x <= -400 us.
 */
import { EVENT } from '../assembly/layout.js'
import type { Context, Stage, Summary } from '../cli/tool.js'
import { hopsOf, rolesOf } from '../pairing/hops.js'
import { words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import type { Alignment } from './align.js'
import { causalPairs } from './causal-match.js'
import { showDuration } from './duration.js'
import { type Gathering, gatherLanes, type Lanes } from './lanes.js'
import { epoch } from './times.js'

export interface CheckOptions {
  /** START END [START END]…, names as in `pair`. */
  events: readonly string[]
  /** Which src a correction is added to; undefined: that of the first start. */
  src: string | undefined
  /** The largest distance of a pair, in ns (in cycles where the events stay in cycles). */
  window: number
  cycles: boolean
}

interface Direction {
  start: string
  end: string
  lanes: Lanes
}

export function checkStage({ events, src, window, cycles }: CheckOptions, align: Alignment, context: Context): Stage {
  const hops = events.flatMap((_, i) => (i % 2 === 0 ? hopsOf(events.slice(i, i + 2), false) : []))
  const directions = hops.map(({ start, end }): Direction => ({ start, end, lanes: gatherLanes() }))
  const roles = rolesOf(hops.map((hop, index) => ({ ...hop, index })))
  const clock = epoch()

  return {
    event(record) {
      const role = roles(words[record.row + EVENT] as number)
      if (role === null) return
      align.inPlace(record)
      const time = clock.of(record.row)
      for (const at of role.starts) directions[at]?.lanes.start(record, time)
      for (const at of role.ends) directions[at]?.lanes.end(record, time)
    },
    record: align.record,
    end(out) {
      const gathered = directions.map(({ lanes }) => lanes.gathered())
      const moved = src === undefined ? (gathered[0]?.startSrc ?? 0) : idOf(src)
      const results = directions.map((direction, i) => resultOf(direction, gathered[i] as Gathering, moved, window))
      return report(results, nameOf(moved), window, cycles, out, context)
    },
  }
}

interface Result {
  start: string
  end: string
  starts: number
  ends: number
  beyond: number
  pairs: number
  acausal: number
  smallest: number
  /** What the pairs allow to be added to the moved src's times: at most, or at least. */
  most?: number
  least?: number
}

function resultOf(
  { start, end, lanes: { beyond } }: Direction,
  gathered: Gathering,
  moved: number,
  window: number,
): Result {
  const { lanes, starts, ends, startSrc, endSrc } = gathered
  const pairs = lanes.flatMap((lane) => causalPairs(lane.starts, lane.ends, window))
  let smallest = Number.POSITIVE_INFINITY
  let acausal = 0
  // an end that is early only if its start is the one that was matched, and not an earlier one, is not held against the clock
  for (const { bound } of pairs) {
    smallest = Math.min(smallest, bound)
    if (bound < 0) acausal++
  }
  const result = { start, end, starts, ends, beyond, pairs: pairs.length, acausal, smallest }
  // both of one machine: it proves nothing of another
  if (pairs.length === 0 || (startSrc === moved) === (endSrc === moved)) return result
  return startSrc === moved ? { ...result, most: smallest } : { ...result, least: -smallest }
}

function report(
  results: Result[],
  moved: string,
  window: number,
  cycles: boolean,
  out: Out,
  context: Context,
): Summary {
  const unit = cycles ? 'cycles' : 'ns'
  const show = (size: number) => (cycles ? `${size} cycles` : showDuration(size))
  const most = Math.min(...results.map((result) => result.most ?? Number.POSITIVE_INFINITY))
  const least = Math.max(...results.map((result) => result.least ?? Number.NEGATIVE_INFINITY))
  const acausal = results.reduce((sum, result) => sum + result.acausal, 0)
  out.write(
    JSON.stringify({
      type: 'check',
      ...(moved === '' ? {} : { src: moved }),
      directions: results.map((result) => ({
        start: result.start,
        end: result.end,
        starts: result.starts,
        ends: result.ends,
        pairs: result.pairs,
        acausal: result.acausal,
        ...(result.pairs > 0 ? { [`smallest_${unit}`]: result.smallest } : {}),
        ...(result.beyond > 0 ? { beyond_limit: result.beyond } : {}),
      })),
      ...(Number.isFinite(least) ? { [`low_${unit}`]: least } : {}),
      ...(Number.isFinite(most) ? { [`high_${unit}`]: most } : {}),
    }),
  )
  for (const result of results) tell(result, show, window, context)
  if (least > most)
    context.problem(
      `the directions contradict each other (a correction of at least ${show(least)} and at most ${show(most)}): pairs are matched wrongly, or the clocks run apart`,
    )
  if (acausal > 0)
    context.problem(
      `${acausal} ends are earlier than their start: the clocks disagree, or what is paired does not belong together`,
    )
  return { line: results.map((result) => sentence(result, show)).join('; ') + verdict(moved, least, most, show) }
}

function tell(
  { start, end, starts, ends, pairs, beyond }: Result,
  show: (size: number) => string,
  window: number,
  context: Context,
): void {
  if (beyond > 0) context.warn(`${start} => ${end}: ${beyond} events beyond the limit of what is held are left out`)
  if (pairs > 0) return
  context.problem(
    starts === 0 || ends === 0
      ? `${start} => ${end}: nothing to pair, ${starts} starts and ${ends} ends`
      : `${start} => ${end}: ${starts} starts and ${ends} ends, but none within ${show(window)}: the clocks are further apart, or --window is too small`,
  )
}

function sentence({ start, end, pairs, acausal, smallest }: Result, show: (size: number) => string): string {
  if (pairs === 0) return `${start} => ${end}: no pairs`
  const size = acausal > 0 ? `the earliest by ${show(-smallest)}` : `the smallest latency is ${show(smallest)}`
  return `${start} => ${end}: ${pairs} pairs, ${acausal} acausal, ${size}`
}

/** What may be added to the moved src's times. */
function verdict(moved: string, least: number, most: number, show: (size: number) => string): string {
  const signed = (size: number) => (size > 0 ? `+${show(size)}` : show(size))
  const who = `${moved || 'these'} times`
  if (least > most) return ''
  if (Number.isFinite(least) && Number.isFinite(most))
    return `; a correction of ${who} lies in [${signed(least)}, ${signed(most)}]`
  if (Number.isFinite(most))
    return most < 0
      ? `; if these are matched rightly, ${who} are late by ${show(-most)} or more`
      : `; ${who} cannot be early by more than ${show(most)}`
  if (Number.isFinite(least))
    return least > 0
      ? `; if these are matched rightly, ${who} are early by ${show(least)} or more`
      : `; ${who} cannot be late by more than ${show(-least)}`
  return ''
}
