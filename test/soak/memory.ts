/** What the samples say of each process: is its memory flat, does it keep its descriptors. */
import type { Check } from './account.js'
import type { Collected, Sample } from './samples.js'
import { type Slope, slopeOf } from './slope.js'

export interface Life {
  process: string
  /** More than one where it was restarted: then a slope says nothing. */
  processes: number
  samples: Sample[]
  /** Medians of the first and the last tenth after the warm-up. */
  rss: [first: number, last: number]
  peak: number
  fds: [first: number, last: number]
  /** RSS in KiB an hour, and twice its standard error; none where it was restarted. */
  slope: Slope | undefined
  /** The same right after full collections: what is no garbage. */
  held: Slope | undefined
  /** Of that, what lies beside V8's heap: buffers, native memory. */
  beside: Slope | undefined
  /** And of what lives in the heap. */
  heap: Slope | undefined
  /** KiB of the heap after the first full collection and after the last one. */
  heaps: [first: number, last: number] | undefined
  cpu: number
}

/** A process of any tool stays below this. */
const MOST_KIB = 200 * 1024
/** KiB an hour. More than this, beyond doubt, is a leak: a hundred bytes for each of 10,000 events. */
const MOST_SLOPE = 1024
/** Of the heap, which is known to the byte. What V8 still compiles after hours is half of it. */
const MOST_HEAP = 128

/** `warm`: seconds that are left out. */
export function lives(samples: readonly Sample[], collections: readonly Collected[], warm: number): Life[] {
  const names = [...new Set(samples.map(({ process }) => process))]
  return names.map((process) => {
    const all = samples.filter((sample) => sample.process === process)
    const after = all.filter(({ t }) => t >= warm)
    const processes = new Set(all.map(({ pid }) => pid)).size
    const tenth = Math.max(1, Math.floor(after.length / 10))
    const ends = (of: (sample: Sample) => number): [number, number] => [
      median(after.slice(0, tenth).map(of)),
      median(after.slice(-tenth).map(of)),
    ]
    const full = collections.filter((one) => one.process === process && one.t >= warm)
    const once = processes === 1
    return {
      ...{ process, processes, samples: all, peak: Math.max(...all.map(({ peak_kib }) => peak_kib)) },
      ...{ rss: ends(({ rss_kib }) => rss_kib), fds: ends(({ fds }) => fds), cpu: all.at(-1)?.cpu_s ?? 0 },
      slope: once ? hourly(after, ({ rss_kib }) => rss_kib) : undefined,
      held: once ? hourly(full, ({ rss_kib }) => rss_kib) : undefined,
      beside: once ? hourly(full, ({ beside_kib }) => beside_kib) : undefined,
      heap: once ? hourly(full, ({ heap_kib }) => heap_kib) : undefined,
      heaps: once && full.length > 0 ? [full[0]?.heap_kib as number, full.at(-1)?.heap_kib as number] : undefined,
    }
  })
}

/** Of less than three points it would be certain. */
function hourly<T extends { t: number }>(points: readonly T[], of: (point: T) => number): Slope | undefined {
  if (points.length < 3) return undefined
  const { slope, error } = slopeOf(points.map((point) => [point.t / 3600, of(point)]))
  return { slope, error: 2 * error }
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}

/** `judged`: the run was long enough for a slope; without collections (COLLECT=no) there is none to judge. */
export function checkMemory(all: readonly Life[], judged: boolean): Check[] {
  const named = (some: readonly Life[], figures: (life: Life) => string) =>
    some.map((life) => `${life.process} ${figures(life)}`).join(', ')
  const large = all.filter(({ peak }) => peak > MOST_KIB)
  const holding = all.filter(({ fds: [first, last] }) => last > first)
  const measured = all.filter(({ heap }) => heap)
  const surely = (slope: Slope | undefined) => (slope ? slope.slope - slope.error : 0)
  const growing = all.filter(({ beside, heap }) => surely(beside) > MOST_SLOPE || surely(heap) > MOST_HEAP)
  const peak = Math.max(...all.map(({ peak }) => peak))
  return [
    {
      what: `no process above ${MOST_KIB / 1024} MiB`,
      holds: large.length === 0,
      figures: `the largest had ${Math.round(peak / 1024)} MiB`,
    },
    {
      what: 'no process has more descriptors at the end',
      holds: holding.length === 0,
      figures: named(holding, ({ fds }) => fds.join(' to ')) || all.map(({ fds: [, last] }) => last).join(', '),
    },
    ...(judged && measured.length > 0
      ? [
          {
            what: `garbage apart, no heap grows by ${MOST_HEAP} KiB an hour or more, no memory beside it by ${MOST_SLOPE}, two standard errors taken off`,
            holds: growing.length === 0,
            figures: named(measured, ({ beside, heap }) => `${slopeText(heap)} (beside it ${slopeText(beside)})`),
          },
        ]
      : []),
  ]
}

/** `-12 ± 30` */
export function slopeText(slope: Slope | undefined): string {
  return slope ? `${Math.round(slope.slope)} ± ${Math.round(slope.error)}` : '-'
}
