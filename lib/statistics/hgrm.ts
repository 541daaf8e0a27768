/**
 * `.hgrm`: the percentile distribution that HdrHistogram's plotters read, by hdr-histogram-js. Its
 * WebAssembly form prints wrong decimals here, so the JavaScript one is filled from our buckets.
 */
import type { Histogram } from './histogram.js'

/** Values are divided by `scale` (1000: microseconds from ns). */
export async function hgrm(histogram: Histogram, scale: number): Promise<string> {
  return hdrOf(histogram, await import('hdr-histogram-js')).outputPercentileDistribution(5, scale)
}

/** The same distribution as the library's own histogram. */
export function hdrOf(histogram: Histogram, { build }: Pick<typeof import('hdr-histogram-js'), 'build'>) {
  const hdr = build({
    bitBucketSize: 64,
    lowestDiscernibleValue: 1,
    highestTrackableValue: Number.MAX_SAFE_INTEGER,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  })
  for (const [value, count] of histogram.buckets()) hdr.recordValueWithCount(Math.min(value, histogram.max), count)
  return hdr
}
