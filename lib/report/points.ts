/**
 * Points: single pairs to be drawn. All of them while they are at most MOST; then those that must not vanish: the
 * KEPT slowest of all, and of each series the slowest and the fastest in each stretch of time, whose length doubles
 * until these are no more than KEPT.
 *
 * Thinning as they come gives what thinning at the end would have given: the slowest of all are among the slowest so
 * far, and a stretch of double length has its extremes among those of its halves.
 */

const MOST = 8000
const KEPT = MOST / 2
/** So many are held before they are thinned again. */
const HELD = 4 * MOST

export interface Points {
  add(time: number, delta: number, series: number): void
  /** Those that are left, in the order they came, three numbers each. */
  result(): { points: number[]; of: number; stretch: number }
}

export function points(): Points {
  const time = new Float64Array(HELD)
  const delta = new Float64Array(HELD)
  const series = new Uint32Array(HELD)
  let n = 0
  let of = 0
  let stretch = 2 ** 16

  /** Those that are the slowest or the fastest of their series and stretch. */
  function extremes(): Set<number> {
    const fastest = new Map<number, number>()
    const slowest = new Map<number, number>()
    for (let i = 0; i < n; i++) {
      const column = Math.floor((time[i] as number) / stretch)
      // columns are below 2^38 in size: 2^53 ns in stretches of 2^16
      const cell = (series[i] as number) * 2 ** 39 + column
      const [least, most] = [fastest.get(cell), slowest.get(cell)]
      if (least === undefined || (delta[i] as number) < (delta[least] as number)) fastest.set(cell, i)
      if (most === undefined || (delta[i] as number) > (delta[most] as number)) slowest.set(cell, i)
    }
    return new Set([...fastest.values(), ...slowest.values()])
  }

  function thin(): void {
    let kept = extremes()
    while (kept.size > KEPT) {
      stretch *= 2
      kept = extremes()
    }
    const slowest = Array.from({ length: n }, (_, i) => i).sort((a, b) => (delta[b] as number) - (delta[a] as number))
    for (const i of slowest.slice(0, KEPT)) kept.add(i)
    let to = 0
    for (let i = 0; i < n; i++) {
      if (!kept.has(i)) continue
      time[to] = time[i] as number
      delta[to] = delta[i] as number
      series[to++] = series[i] as number
    }
    n = to
  }

  return {
    add(at, latency, of_) {
      if (n === HELD) thin()
      time[n] = at
      delta[n] = latency
      series[n++] = of_
      of++
    },
    result() {
      if (of > MOST) thin()
      const left: number[] = []
      for (let i = 0; i < n; i++) left.push(time[i] as number, delta[i] as number, series[i] as number)
      return { points: left, of, stretch }
    },
  }
}
