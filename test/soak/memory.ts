/** What the samples say of each process: is its memory flat, does it keep its descriptors. */
import type { Check } from './account.js'
import type { Sample } from './samples.js'
import { slopeOf } from './slope.js'

export interface Life {
  process: string
  /** More than one where it was restarted: then a slope says nothing. */
  processes: number
  samples: Sample[]
  /** Medians of the first and the last tenth after the warm-up. */
  rss: [first: number, last: number]
  peak: number
  fds: [first: number, last: number]
  /** KiB an hour, and twice its standard error; none where it was restarted. */
  slope: { slope: number; error: number } | undefined
  cpu: number
}

/** A process of any tool stays below this. */
const MOST_KIB = 200 * 1024
/** More than this an hour, beyond doubt, is a leak: a hundred bytes for each of 10,000 events. */
const MOST_SLOPE = 1024

/** `warm`: seconds that are left out. */
export function lives(samples: readonly Sample[], warm: number): Life[] {
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
    const fitted = slopeOf(after.map(({ t, rss_kib }) => [t / 3600, rss_kib]))
    return {
      ...{ process, processes, samples: all, peak: Math.max(...all.map(({ peak_kib }) => peak_kib)) },
      ...{ rss: ends(({ rss_kib }) => rss_kib), fds: ends(({ fds }) => fds), cpu: all.at(-1)?.cpu_s ?? 0 },
      slope: processes === 1 ? { slope: fitted.slope, error: 2 * fitted.error } : undefined,
    }
  })
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0
}

/** `judged`: the run was long enough for a slope. */
export function checkMemory(all: readonly Life[], judged: boolean): Check[] {
  const named = (some: readonly Life[], figures: (life: Life) => string) =>
    some.map((life) => `${life.process} ${figures(life)}`).join(', ')
  const large = all.filter(({ peak }) => peak > MOST_KIB)
  const holding = all.filter(({ fds: [first, last] }) => last > first)
  const growing = all.filter(({ slope }) => slope && slope.slope - slope.error > MOST_SLOPE)
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
    ...(judged
      ? [
          {
            what: `no memory grows by ${MOST_SLOPE} KiB an hour or more, two standard errors taken off`,
            holds: growing.length === 0,
            figures: named(
              all.filter(({ slope }) => slope),
              ({ slope }) => slopeText(slope),
            ),
          },
        ]
      : []),
  ]
}

/** `-12 ± 30` */
export function slopeText(slope: Life['slope']): string {
  return slope ? `${Math.round(slope.slope)} ± ${Math.round(slope.error)}` : '-'
}
