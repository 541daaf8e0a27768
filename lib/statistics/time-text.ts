/** Times as tables print them: in one unit, with three digits. */

export type TimeUnit = 'ns' | 'us' | 'ms' | 's'

export const perUnit: Record<TimeUnit, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 }

/** The percentiles that tables have. */
export const percents = [50, 95, 99]

/** A time in the table's unit, with three digits, rounded, exact above 2^53. */
export function exactThousandths(time: bigint, scale: number | bigint): string {
  const wide = BigInt(scale)
  const text = ((time * 1000n + wide / 2n) / wide).toString().padStart(4, '0')
  return `${text.slice(0, -3)}.${text.slice(-3)}`
}
