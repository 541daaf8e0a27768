/**
 * Merging lanes by time. A row goes out when no lane can bring an older one: when its time is not above any
 * lane's frontier. Equal times go out in the order of the inputs. What waits is bounded: above `maxHeld` rows,
 * and where long lines take more memory than they may, the oldest go out at once, counted.
 */
import { setImmediate } from 'node:timers/promises'
import { HAS, HAS_TS, HAS_TSC, TIME } from '../assembly/layout.js'
import { before, difference } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import type { Lane } from './lane.js'

export interface MergeOptions {
  /** ms that an input is waited for while it holds the others up; Infinity: for ever. */
  maxWait: number
  maxHeld: number
  /** The lines held take all the memory that they may. */
  full(): boolean
  /** The next lines of a lane; answers false at its end. */
  read(lane: Lane): Promise<boolean>
  /** A row in its place; `late`: it is older, by this much, than what went out before it. */
  emit(row: number, late: number | null): void
  /** About to wait for a live input. */
  beforeWait(): void
  /** A lane was waited for in vain. */
  passedOver(lane: Lane): void
  stopped(): boolean
}

export interface Merged {
  /** Rows that went out before their place was certain. */
  forced: number
}

export async function merge(lanes: readonly Lane[], options: MergeOptions): Promise<Merged> {
  const { emit, maxHeld, full } = options
  let forced = 0
  let turns = 0
  const waiting = patience(options)
  let outHigh = -0x8000_0000
  let outLow = 0

  function putOut(lane: Lane): void {
    const { headHigh, headLow } = lane
    const late = lane.headLate || before(headHigh, headLow, outHigh, outLow)
    const row = lane.shift()
    if (!late) {
      outHigh = headHigh
      outLow = headLow
      emit(row, null)
    } else emit(row, lateness(row))
    lane.done(row)
  }

  /** How far a row lies behind the newest that went out; null where it does not, or has no time of its own. */
  function lateness(row: number): number | null {
    if (!((words[row + HAS] as number) & (HAS_TS | HAS_TSC))) return null
    const high = words[row + TIME + 1] as number
    const low = words[row + TIME] as number
    if (before(high, low, outHigh, outLow)) return difference(outHigh, outLow, high, low)
    outHigh = high
    outLow = low
    return null
  }

  /** All rows up to the lowest frontier. */
  function drain(): void {
    let safeHigh = 0x7fff_ffff
    let safeLow = -1
    let slowest = lanes.length
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[i] as Lane
      if (lane.passedOver || !before(lane.frontierHigh, lane.frontierLow, safeHigh, safeLow)) continue
      safeHigh = lane.frontierHigh
      safeLow = lane.frontierLow
      slowest = i
    }
    for (let first = earliest(lanes); first; first = earliest(lanes)) {
      const { headHigh, headLow } = first
      if (before(safeHigh, safeLow, headHigh, headLow)) return
      // the slowest may still bring a row of this very time, and goes first where its number is lower
      if (headLow === safeLow && headHigh === safeHigh && lanes.indexOf(first) > slowest) return
      putOut(first)
    }
  }

  function force(): void {
    let held = 0
    for (const lane of lanes) held += lane.size
    for (; held > maxHeld || (held > 0 && full()); held--) {
      forced++
      putOut(earliest(lanes) as Lane)
    }
  }

  while (true) {
    drain()
    force()
    const next = furthestBehind(lanes)
    if (next === null) return { forced }
    if (options.stopped() && lanes.every((lane) => lane.input.source.live === false)) {
      for (const lane of lanes) lane.end()
      continue
    }
    if (next.input.source.live) await waiting(next, lanes)
    else {
      await startReading(next, options)
      if ((++turns & 7) === 0) await setImmediate()
    }
  }
}

function earliest(lanes: readonly Lane[]): Lane | null {
  let first: Lane | null = null
  for (let i = 0; i < lanes.length; i++) {
    const lane = lanes[i] as Lane
    if (lane.size === 0) continue
    if (first === null || before(lane.headHigh, lane.headLow, first.headHigh, first.headLow)) first = lane
  }
  return first
}

/** The lane that holds the others up; one that is passed over comes last. Null when all have ended. */
function furthestBehind(lanes: readonly Lane[]): Lane | null {
  let last: Lane | null = null
  for (const lane of lanes) {
    if (lane.ended) continue
    if (last === null || (last.passedOver && !lane.passedOver)) last = lane
    else if (
      lane.passedOver === last.passedOver &&
      before(lane.frontierHigh, lane.frontierLow, last.frontierHigh, last.frontierLow)
    )
      last = lane
  }
  return last
}

/**
 * Waiting for a live lane: until it has brought something, or --max-wait is over. What counts is how long the lane
 * stays where it is while others are held: one that talks without telling a time (a `clock` record of a text stream)
 * holds them up as well as a silent one; and where nothing is held, nobody is passed over. So that there is
 * something to hold, lanes that hold nothing are read meanwhile.
 */
function patience(options: MergeOptions): (lane: Lane, lanes: readonly Lane[]) => Promise<void> {
  const { maxWait, beforeWait, passedOver } = options
  let waited: { lane: Lane; since: number; high: number; low: number } | null = null

  function left(lane: Lane): number {
    const { frontierHigh: high, frontierLow: low } = lane
    const now = performance.now()
    if (waited?.lane !== lane || waited.high !== high || waited.low !== low) waited = { lane, since: now, high, low }
    return Math.max(0, maxWait - (now - waited.since))
  }

  return async (lane, lanes) => {
    beforeWait()
    if (maxWait === Number.POSITIVE_INFINITY) return startReading(lane, options)
    const brought = lanes
      .filter((other) => !other.ended && (other === lane || other.reading || other.size === 0))
      .map((other) => startReading(other, options))
    const held = lanes.some(({ size }) => size > 0)
    if (!held) waited = null
    if (!held || lane.passedOver) return Promise.race(brought)
    let timer: NodeJS.Timeout | undefined
    const over = new Promise<'over'>((resolve) => {
      timer = setTimeout(() => resolve('over'), left(lane))
    })
    const result = await Promise.race([...brought, over])
    clearTimeout(timer)
    if (result !== 'over') return
    lane.passedOver = true
    passedOver(lane)
  }
}

/** Reads a lane, or waits for the read that is under way. */
function startReading(lane: Lane, options: MergeOptions): Promise<void> {
  lane.reading ??= read(lane, options)
  return lane.reading
}

async function read(lane: Lane, options: MergeOptions): Promise<void> {
  const { frontierHigh, frontierLow } = lane
  if (!(await options.read(lane))) lane.end()
  lane.reading = null
  if (lane.frontierHigh !== frontierHigh || lane.frontierLow !== frontierLow) lane.passedOver = false
}
