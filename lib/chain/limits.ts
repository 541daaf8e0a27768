/**
 * Limits of time: how long a path may wait for a stage since the one before it (`within`), and be on its way
 * altogether (`--timeout`). Units are those of the events' own clock.
 */
import { comparable, lastStamp, type OpenPath, type Stamp } from './open-path.js'
import type { Stage } from './path.js'
import type { Waiting } from './waiting.js'

export interface Limits {
  /** False: there is none. */
  readonly any: boolean
  /** Would this stage come too late for the path now? */
  late(of: OpenPath, stage: number, now: Stamp): boolean
  /** Calls for the waiting paths whose stage is too late, the stage with them. */
  lateOnes(tables: readonly Waiting[], now: Stamp, each: (of: OpenPath, stage: number) => void): void
  /** Calls for the paths that are too old; `open` begins with the oldest. */
  oldOnes(open: Iterable<OpenPath>, now: Stamp, each: (of: OpenPath) => void): void
}

export function limits(stages: readonly Stage[], timeout: number): Limits {
  const within = stages.map((stage) => stage.within ?? Number.POSITIVE_INFINITY)
  const limited = within.flatMap((limit, i) => (limit === Number.POSITIVE_INFINITY ? [] : [i]))

  function late(of: OpenPath, stage: number, now: Stamp): boolean {
    return older(lastStamp(of), now, within[stage] as number)
  }

  return {
    any: limited.length > 0 || timeout !== Number.POSITIVE_INFINITY,
    late,
    lateOnes(tables, now, each) {
      for (const stage of limited) {
        // one that passed an optional stage keeps its place, and those behind it are found when it has gone
        for (const of of (tables[stage] as Waiting).all()) {
          if (!late(of, stage, now)) break
          each(of, stage)
        }
      }
    },
    oldOnes(open, now, each) {
      if (timeout === Number.POSITIVE_INFINITY) return
      for (const of of open) {
        if (!older(of.stamps[0] as Stamp, now, timeout)) break
        each(of)
      }
    },
  }
}

function older(since: Stamp, now: Stamp, limit: number): boolean {
  return comparable(since, now) && Number(now.time - since.time) > limit
}
