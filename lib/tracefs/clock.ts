/**
 * Clocks: which one stamps the events, and what the others say at the same instant.
 *
 * The trace clock cannot be read by a program; but a write to `trace_marker` is stamped with it. Reading
 * CLOCK_MONOTONIC before and after the write brackets the stamp: mono = (before + after) / 2, wrong by at most
 * (after - before) / 2. Two such samples bound the rate of the TSC:
 *
 *     tsc_khz = (tsc2 - tsc1) * 1e6 / (mono2 - mono1 +- (error1 + error2))
 *
 *     1 us of error at both ends of 1 s: 2 ppm.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Refused, set } from './tracefs.js'

/** Trace clocks (Documentation/trace/ftrace.rst, trace_clock): those in nanoseconds, and the counter. */
const NANOSECONDS = ['local', 'global', 'perf', 'mono', 'mono_raw', 'boot', 'tai']

export interface TraceClock {
  name: string
  unit: 'tsc' | 'ns'
}

/** Sets the clock of an instance: the one asked for, or x86-tsc where there is one, else mono. Throws Refused. */
export function setTraceClock(instance: string, wanted: string | undefined): TraceClock {
  const file = join(instance, 'trace_clock')
  const known = readFileSync(file, 'utf8').replace(/[[\]]/g, '').trim().split(/\s+/)
  const name = wanted ?? (known.includes('x86-tsc') ? 'x86-tsc' : 'mono')
  if (!known.includes(name)) throw new Refused(`--clock ${name}: this kernel has ${known.join(', ')}`)
  const unit = NANOSECONDS.includes(name) ? 'ns' : name === 'x86-tsc' ? 'tsc' : undefined
  if (!unit) throw new Refused(`--clock ${name}: does not count nanoseconds or cycles`)
  set(file, name, `--clock ${name}`)
  return { name, unit }
}

/**
 * The kernel's own rate of the TSC in kHz, as it said at boot: `tsc: Refined TSC clocksource calibration: 2445.430
 * MHz` (arch/x86/kernel/tsc.c). The last line counts. Undefined where the log no longer has it.
 */
export function kernelTscKhz(log: string): number | undefined {
  const said = [...log.matchAll(/\btsc: (?:Detected|Refined TSC clocksource calibration:) (\d+\.\d{3}) MHz/g)].at(
    -1,
  )?.[1]
  return said === undefined ? undefined : Math.round(Number(said) * 1000)
}

/** One instant on several clocks: `stamp` in the unit of the events, the others in ns. */
export interface Sample {
  stamp: bigint
  mono: bigint
  /** How far mono and wall may be off. */
  errorNs: number
  wall: bigint
}

/** The rate of the counter in kHz, and how far it may be off in parts per million. */
export interface Rate {
  khz: number
  errorPpm: number
}

/** Samples that later ones are compared with: one alone may have been interrupted between its two readings. */
const ANCHORS = 8

/**
 * The rate as samples narrow it: each pair of them bounds it, and it lies within all bounds. Bounds that do not meet
 * mean that CLOCK_MONOTONIC was slewed (adjtimex(2)); the newest count then.
 */
export function rateOf(): { add(sample: Sample): void; rate(): Rate | undefined } {
  const anchors: Sample[] = []
  let low = 0
  let high = Number.POSITIVE_INFINITY

  function bound(first: Sample, last: Sample): void {
    const ns = Number(last.mono - first.mono)
    const error = first.errorNs + last.errorNs
    if (ns <= error) return
    const cycles = Number(last.stamp - first.stamp) * 1e6
    const [least, most] = [cycles / (ns + error), cycles / (ns - error)]
    const meets = least <= high && most >= low
    low = meets ? Math.max(low, least) : least
    high = meets ? Math.min(high, most) : most
  }

  return {
    add(sample) {
      for (const anchor of anchors) bound(anchor, sample)
      if (anchors.length < ANCHORS) anchors.push(sample)
    },
    rate() {
      if (!(low > 0 && high < Number.POSITIVE_INFINITY)) return undefined
      const khz = (low + high) / 2
      return { khz, errorPpm: ((high - low) / 2 / khz) * 1e6 }
    },
  }
}

/**
 * CLOCK_REALTIME in ns at an instant of CLOCK_MONOTONIC. Node tells it in ms only, so each reading says that the
 * offset lies in a window of 1 ms, and the windows' intersection is narrow soon: readings around a tick of the
 * millisecond leave it a microsecond wide. A window that does not meet the others means that the clock was set.
 */
export function wallClock(mono: () => bigint, milliseconds: () => number): (at: bigint) => bigint {
  let low = 0n
  let high = -1n

  function look(): void {
    const before = mono()
    const ms = BigInt(milliseconds()) * 1_000_000n
    const after = mono()
    const least = ms - after
    const most = ms + 1_000_000n - before
    if (least > high || most < low) {
      low = least
      high = most
      return
    }
    if (least > low) low = least
    if (most < high) high = most
  }

  return (at) => {
    look()
    const begin = mono()
    // at most two ticks: an offset that drifts (NTP) leaves an empty window, and begins anew
    while (high - low > 20_000n && mono() - begin < 2_100_000n) look()
    return at + (low + high) / 2n
  }
}
