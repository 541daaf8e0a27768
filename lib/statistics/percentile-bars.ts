/**
 * The value at each percentile, a bar as long as it in proportion to the longest, and how many calls took longer: the
 * tail, which a mean hides.
 *
 *     percentile    value(us)     longer
 *            p50      457.215        703 |@                                       |
 *          p99.9    23740.415          1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@             |
 *            max    34646.326          0 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
 *
 * A percentile that none of the calls lies beyond is the maximum, and left out. Lengths are linear: a scale that makes
 * the lower ones visible would say that a tail is less far away than it is.
 */
import type { Histogram } from './histogram.js'
import { exactThousandths } from './time-text.js'

const WIDTH = 40
const percents = [10, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999]

/** Values are divided by `scale` (1000: microseconds from ns), whose name is `unit`. */
export function percentileBars(histogram: Histogram, scale: number, unit: string): string {
  const { max } = histogram
  const rows = percents
    .map((percent) => ({ name: `p${percent}`, value: histogram.percentile(percent) }))
    .map((row) => ({ ...row, longer: longerThan(histogram, row.value) }))
    .filter(({ longer }) => longer > 0)
  const lines = [...rows, { name: 'max', value: max, longer: 0 }].map(({ name, value, longer }) => {
    const figures = [
      name.padStart(10),
      exactThousandths(BigInt(value), scale).padStart(12),
      String(longer).padStart(10),
    ]
    const bar = '@'.repeat(value === 0 ? 0 : Math.max(1, Math.round((value / max) * WIDTH)))
    return `${figures.join(' ')} |${bar.padEnd(WIDTH)}|\n`
  })
  return [`percentile ${`value(${unit})`.padStart(12)} ${'longer'.padStart(10)}\n`, ...lines].join('')
}

/** Calls in higher buckets than the value's; a percentile is the highest value of its bucket. */
function longerThan(histogram: Histogram, value: number): number {
  if (value >= histogram.max) return 0
  let calls = 0
  for (const [highest, count] of histogram.buckets()) if (highest > value) calls += count
  return calls
}
