/**
 * Heat: how many pairs fell into each cell of time and latency, in bounded memory whatever the length of the
 * stream. Rows are quarters of an octave. Columns begin narrow; when they would be more than MOST_COLUMNS, each two
 * become one, in all grids at once, so that cells of different series lie on each other.
 *
 * Example: 1,500 ns is in row 1 + floor(4 * log2 1500) = 43, from 2^(42/4) = 1448 to 1722 ns.
 */

export const PER_OCTAVE = 4
const MOST_COLUMNS = 512
const FIRST_WIDTH = 2 ** 16
/** Row of 2^53, and one more. */
const ROWS = 53 * PER_OCTAVE + 2

export interface Heat {
  /** A grid of its own for each series. */
  add(grid: number, time: number, delta: number): void
  /** Column, row, count of each cell that has any; ascending. */
  cells(grid: number): number[]
  readonly width: number
  /** Makes columns twice as wide. */
  coarsen(): void
}

export function rowOf(delta: number): number {
  return delta < 1 ? 0 : 1 + Math.floor(PER_OCTAVE * Math.log2(delta))
}

export function heat(): Heat {
  let width = FIRST_WIDTH
  let first = Number.POSITIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  let grids: Map<number, Uint32Array>[] = []
  const spare: Uint32Array[] = []

  function columnOf(grid: number, at: number): Uint32Array {
    const columns = grids[grid] ?? new Map<number, Uint32Array>()
    grids[grid] = columns
    const known = columns.get(at)
    if (known) return known
    const made = spare.pop() ?? new Uint32Array(ROWS)
    columns.set(at, made)
    return made
  }

  /** In place, for what is let go of stays in memory for a while. */
  function coarsen(): void {
    width *= 2
    first = Math.floor(first / 2)
    last = Math.floor(last / 2)
    grids = grids.map((columns) => {
      const wide = new Map<number, Uint32Array>()
      for (const [at, counts] of columns) {
        const half = Math.floor(at / 2)
        const other = wide.get(half)
        if (!other) {
          wide.set(half, counts)
          continue
        }
        for (let row = 0; row < ROWS; row++) (other[row] as number) += counts[row] as number
        spare.push(counts.fill(0))
      }
      return wide
    })
  }

  return {
    get width() {
      return width
    },
    coarsen,
    add(grid, time, delta) {
      let at = Math.floor(time / width)
      if (at < first) first = at
      if (at > last) last = at
      if (last - first >= MOST_COLUMNS) {
        while (last - first >= MOST_COLUMNS) coarsen()
        at = Math.floor(time / width)
      }
      ;(columnOf(grid, at)[rowOf(delta)] as number)++
    },
    cells(grid) {
      const cells: number[] = []
      const columns = [...(grids[grid] ?? [])].sort(([a], [b]) => a - b)
      for (const [at, counts] of columns)
        for (let row = 0; row < ROWS; row++) if (counts[row]) cells.push(at, row, counts[row] as number)
      return cells
    },
  }
}
