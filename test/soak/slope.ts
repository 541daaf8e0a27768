/**
 * The slope of a straight line through points by least squares, and how uncertain that is.
 *
 * Samples of a memory are not independent: a heap that is high stays high until it is collected. The usual standard
 * error, as if they were, is far too small; it is widened by sqrt((1 + r) / (1 - r)), where r is the correlation of
 * each residual with the next (the variance of a mean of an AR(1) series).
 *
 *     (0, 1) (1, 3) (2, 5): slope 2, error 0
 */
export interface Slope {
  slope: number
  /** One standard error. */
  error: number
}

export function slopeOf(points: readonly (readonly [x: number, y: number])[]): Slope {
  const n = points.length
  const mean = (of: (point: readonly [number, number]) => number) => points.reduce((sum, p) => sum + of(p), 0) / n
  const x0 = mean(([x]) => x)
  const y0 = mean(([, y]) => y)
  const sxx = points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0)
  const slope = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0) / sxx
  const residuals = points.map(([x, y]) => y - y0 - slope * (x - x0))
  const squares = residuals.reduce((sum, r) => sum + r * r, 0)
  const products = residuals.slice(1).reduce((sum, r, i) => sum + r * (residuals[i] as number), 0)
  const correlation = squares > 0 ? Math.min(0.99, Math.max(0, products / squares)) : 0
  const error = Math.sqrt(squares / (n - 2) / sxx) * Math.sqrt((1 + correlation) / (1 - correlation))
  return { slope, error }
}
