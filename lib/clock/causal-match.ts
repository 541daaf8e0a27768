/**
 * Matching causes and effects whose clocks may disagree.
 *
 * `pair` takes the latest start before an end; by that rule no end is ever early, so it cannot show that a clock
 * is wrong. Here both lists are laid side by side in their order, and each end gets a start or none, so that the
 * whole costs least: a pair whose end is later costs its latency (a quarter of the window at most, as long ones
 * are nothing odd); one whose end is *earlier* costs four times its size, as it goes against causality; one left
 * alone costs half the window. So with a window of 10 ms
 *
 *     starts   0        200        400 ms           starts   0     1.0     2.0 ms
 *     ends   -0.4       199.7      399.5            ends     0.9   1.9     2.8
 *
 * on the left all three pairs are early (0.4, 0.3 and 0.5 ms), on the right none is, though 0.9 is nearer to 1.0.
 *
 * Its limits: starts that follow each other more closely than the clocks are apart are taken for pairs with the
 * start before; an error above a quarter of the window leaves everything alone; an event that nobody recorded
 * shifts its neighbours until the next pause. A start left alone shortly before a pair's own start may be the true
 * cause, an end left alone shortly after its own end the true effect: `latency` is the pair's own, `bound` that from
 * the earliest such start to the latest such end, each within a window. What a pair proves, it proves by `bound`.
 */

export interface CausalPair {
  start: number
  end: number
  latency: number
  bound: number
}

/** How far, in windows, a cause may lie back. */
const REACH = 10
/** Events of one side that are laid out at a time. */
const PIECE = 512

/** Both ascending, in one unit with `window`. */
export function causalPairs(starts: Float64Array, ends: Float64Array, window: number): CausalPair[] {
  const pairs: CausalPair[] = []
  let i = 0
  let j = 0
  while (i < starts.length && j < ends.length) {
    const [nextI, nextJ] = pieceEnd(starts, ends, i, j, window)
    matchPiece(starts.subarray(i, nextI), ends.subarray(j, nextJ), window, pairs)
    i = nextI
    j = nextJ
  }
  return pairs
}

/** A piece ends at the first pause that nothing reaches across, else at the longest one that keeps it small. */
function pieceEnd(starts: Float64Array, ends: Float64Array, i: number, j: number, window: number): [number, number] {
  let last = Math.min(starts[i] as number, ends[j] as number)
  let longest = 0
  let cut: [number, number] = [i, j]
  const first = i + j
  for (let a = i, b = j; ; ) {
    if (a === starts.length && b === ends.length) return [a, b]
    const isStart = b === ends.length || (a < starts.length && (starts[a] as number) <= (ends[b] as number))
    const time = (isStart ? starts[a] : ends[b]) as number
    const pause = time - last
    if (pause > REACH * window && a + b > first) return [a, b]
    if (pause >= longest && a + b > first) {
      longest = pause
      cut = [a, b]
    }
    if (a - i >= PIECE || b - j >= PIECE) return cut
    last = time
    if (isStart) a++
    else b++
  }
}

const START_ALONE = 1
const END_ALONE = 2
const PAIR = 3

/** The cheapest way through a piece: the usual table of two sequences. */
function matchPiece(starts: Float64Array, ends: Float64Array, window: number, pairs: CausalPair[]): void {
  const n = starts.length
  const m = ends.length
  if (n === 0 || m === 0) return
  const alone = window / 2
  const steps = new Uint8Array((n + 1) * (m + 1))
  let above = new Float64Array(m + 1).map((_, j) => j * alone)
  let row = new Float64Array(m + 1)
  steps.fill(END_ALONE, 1, m + 1)
  for (let i = 1; i <= n; i++) {
    row[0] = i * alone
    steps[i * (m + 1)] = START_ALONE
    for (let j = 1; j <= m; j++) {
      let best = (above[j] as number) + alone
      let step = START_ALONE
      const other = (row[j - 1] as number) + alone
      if (other < best) {
        best = other
        step = END_ALONE
      }
      const both = (above[j - 1] as number) + cost((ends[j - 1] as number) - (starts[i - 1] as number), window)
      if (both < best) {
        best = both
        step = PAIR
      }
      row[j] = best
      steps[i * (m + 1) + j] = step
    }
    const swap = above
    above = row
    row = swap
  }
  collect(starts, ends, steps, window, pairs)
}

function cost(delta: number, window: number): number {
  if (delta < 0) return delta < -window / 4 ? Number.POSITIVE_INFINITY : -4 * delta
  return delta > REACH * window ? Number.POSITIVE_INFINITY : Math.min(delta, window / 4)
}

function collect(
  starts: Float64Array,
  ends: Float64Array,
  steps: Uint8Array,
  window: number,
  pairs: CausalPair[],
): void {
  const wide = ends.length + 1
  const found: [number, number][] = []
  for (let i = starts.length, j = ends.length; i > 0 && j > 0; ) {
    const step = steps[i * wide + j]
    if (step === PAIR) found.push([--i, --j])
    else if (step === START_ALONE) i--
    else j--
  }
  found.reverse()
  let first = 0
  for (const [at, [i, j]] of found.entries()) {
    const start = starts[i] as number
    const end = ends[j] as number
    while (first < i && end - (starts[first] as number) > window) first++
    let last = (found[at + 1]?.[1] ?? ends.length) - 1
    while (last > j && (ends[last] as number) - start > window) last--
    pairs.push({ start, end, latency: end - start, bound: (ends[last] as number) - (starts[first] as number) })
    first = i + 1
  }
}
