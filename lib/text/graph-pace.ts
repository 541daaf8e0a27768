/**
 * Whether the times of function_graph text are what they look like. A duration is always ns (trace_clock_local() in
 * kernel/trace/fgraph.c), a time is the trace clock's, printed as if it were ns. So on the clock x86-tsc of a machine
 * of 2.45 GHz, a call of 100 us lies between two times 245 us apart.
 */

/** Shorter calls say more of the time that it takes to trace them. */
const LONG_NS = 50_000
const ENOUGH_NS = 1_000_000
const DEEPEST = 64

export interface GraphPace {
  entry(cpu: number, depth: number, time: string): void
  exit(cpu: number, depth: number, time: string, duration_ns: number | undefined): void
  /** Another task runs there now. */
  forget(cpu: number): void
  /** How many times as fast as the durations the times run; undefined where they agree, or there is too little. */
  wrong(): number | undefined
}

export function graphPace(): GraphPace {
  const entries = new Map<number, (number | undefined)[]>()
  let between = 0
  let durations = 0
  return {
    entry(cpu, depth, time) {
      if (depth >= DEEPEST) return
      const open = entries.get(cpu) ?? []
      entries.set(cpu, open)
      open[depth] = Number(time)
    },
    exit(cpu, depth, time, duration_ns = 0) {
      const open = entries.get(cpu)
      const from = open?.[depth]
      if (!open || from === undefined) return
      open[depth] = undefined
      if (duration_ns < LONG_NS) return
      between += Number(time) - from
      durations += duration_ns
    },
    forget: (cpu) => entries.delete(cpu),
    wrong() {
      const ratio = between / durations
      return durations < ENOUGH_NS || (ratio > 0.8 && ratio < 1.25) ? undefined : ratio
    },
  }
}
