/**
 * `.hgrm`: the percentile distribution that HdrHistogram's plotters read, by hdr-histogram-js. Its
 * WebAssembly form prints wrong decimals here, so the JavaScript one is filled from our buckets.
 */
import type { Histogram } from './histogram.js'

/** Values are divided by `scale` (1000: microseconds from ns). */
export async function hgrm(histogram: Histogram, scale: number): Promise<string> {
  const { build } = await import('hdr-histogram-js')
  const hdr = build({
    bitBucketSize: 64,
    lowestDiscernibleValue: 1,
    highestTrackableValue: Number.MAX_SAFE_INTEGER,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  })
  for (const [value, count] of histogram.buckets()) hdr.recordValueWithCount(Math.min(value, histogram.max), count)
  return hdr.outputPercentileDistribution(5, scale)
}
