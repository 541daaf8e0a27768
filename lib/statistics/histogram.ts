/**
 * A latency histogram in the bucket layout of HdrHistogram (Gil Tene; AbstractHistogram.countsArrayIndex) at
 * three significant digits: values below 2048 have a bucket each, above that every power of two is cut into
 * 1024. Calls, total, min and max are exact; a percentile is the highest value of its bucket, at most 1/1024
 * (0.098 %) above the exact one.
 *
 * Example: 1,117,995 lies between 2^20 and 2^21, in buckets 1024 wide: it counts in 1,117,184 … 1,118,207.
 */

export interface Exact {
  readonly calls: number
  /** Exact, also above 2^53. */
  readonly total: bigint
  readonly min: number
  readonly max: number
}

export interface Histogram extends Exact {
  /** Memory that its counts take, about. */
  readonly bytes: number
  record(value: number): void
  /** Another one's calls: its counts by bucket, and what is exact of it. */
  add(counts: Iterable<readonly [bucket: number, count: number]>, exact: Exact): void
  /** The value that `percent` of the calls do not exceed. */
  percentile(percent: number): number
  /** Buckets that have counts, in order: highest value, count. */
  buckets(): Iterable<[value: number, count: number]>
}

const HALF_BITS = 10
/**
 * There may be thousands of histograms, of few values each: the counts of a few buckets stand in a map, those of more in
 * pages, made when they are wanted. One that is counted in often has pages soon, for they are faster.
 */
const FEW = 96
const SOON = 4096
const PAGE_BITS = 7
const PAGE = 1 << PAGE_BITS
const HALF = 1 << HALF_BITS
/** With what the engine adds. */
const PAGE_BYTES = PAGE * 8 + 200
const FEW_BYTES = 40

/** Of all values below 2^53. */
export const BUCKETS = 44 * HALF

/** The bucket of a value, 0 to 2^53. */
export function bucketOf(value: number): number {
  if (value < 2 * HALF) return value
  const high = Math.floor(value / 0x1_0000_0000)
  const bits = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value)
  const shift = bits - HALF_BITS
  const part = shift < 31 && high === 0 ? value >>> shift : Math.floor(value / 2 ** shift)
  return (shift + 1) * HALF + (part - HALF)
}

/** The lowest value that falls into a bucket. */
export function lowestOf(bucket: number): number {
  return bucket < 2 * HALF ? bucket : ((bucket & (HALF - 1)) + HALF) * 2 ** ((bucket >> HALF_BITS) - 1)
}

/** The highest value that falls into a bucket. */
export function highestOf(bucket: number): number {
  if (bucket < 2 * HALF) return bucket
  const shift = (bucket >> HALF_BITS) - 1
  return ((bucket & (HALF - 1)) + HALF + 1) * 2 ** shift - 1
}

export function histogram(): Histogram {
  let few: Map<number, number> | null = new Map()
  /** The same, rising, until another bucket comes. */
  let inOrder: number[] | null = null
  const pages: (Float64Array | undefined)[] = []
  let used = 0
  let recorded = 0
  let calls = 0
  let total = 0
  let carried = 0n
  let min = Number.POSITIVE_INFINITY
  let max = 0

  function* buckets(): Iterable<[number, number]> {
    if (few) {
      inOrder ??= [...few.keys()].sort((a, b) => a - b)
      for (const bucket of inOrder) yield [highestOf(bucket), few.get(bucket) as number]
      return
    }
    for (let at = 0; at < pages.length; at++) {
      const page = pages[at]
      for (let i = 0; page && i < PAGE; i++) {
        const count = page[i] as number
        if (count > 0) yield [highestOf(at * PAGE + i), count]
      }
    }
  }

  function count(bucket: number, times: number): void {
    if (few) {
      countFew(few, bucket, times)
      return
    }
    const at = bucket >> PAGE_BITS
    while (pages.length <= at) pages.push(undefined)
    if (pages[at] === undefined) {
      pages[at] = new Float64Array(PAGE)
      used++
    }
    const page = pages[at] as Float64Array
    page[bucket & (PAGE - 1)] = (page[bucket & (PAGE - 1)] as number) + times
  }

  function countFew(counts: Map<number, number>, bucket: number, times: number): void {
    const known = counts.get(bucket)
    if (known === undefined) inOrder = null
    counts.set(bucket, (known ?? 0) + times)
    if (counts.size <= FEW && ++recorded <= SOON) return
    few = null
    inOrder = null
    for (const [bucket, times] of counts) count(bucket, times)
  }

  return {
    get calls() {
      return calls
    },
    get total() {
      return carried + BigInt(total)
    },
    get min() {
      return calls === 0 ? 0 : min
    },
    get max() {
      return max
    },
    get bytes() {
      return used * PAGE_BYTES + (few ? few.size * FEW_BYTES : 0)
    },
    add(counts, exact) {
      if (exact.calls === 0) return
      for (const [bucket, times] of counts) count(bucket, times)
      calls += exact.calls
      carried += exact.total
      min = Math.min(min, exact.min)
      max = Math.max(max, exact.max)
    },
    record(value) {
      const bucket = bucketOf(value)
      const page = pages[bucket >> PAGE_BITS]
      if (page) (page[bucket & (PAGE - 1)] as number)++
      else count(bucket, 1)
      calls++
      if (total > Number.MAX_SAFE_INTEGER - value) {
        carried += BigInt(total)
        total = 0
      }
      total += value
      if (value < min) min = value
      if (value > max) max = value
    },
    percentile(percent) {
      // in whole thousandths of a percent: 99.9 / 100 * 5000 is above 4995 in floating point
      let left = Math.max(1, Math.ceil((Math.round(percent * 1000) * calls) / 100_000))
      for (const [value, count] of buckets()) {
        left -= count
        if (left <= 0) return Math.max(min, Math.min(max, value))
      }
      return 0
    },
    buckets,
  }
}
