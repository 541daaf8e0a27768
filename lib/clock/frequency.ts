/**
 * Frequencies: at what rate the cycles of a clock become nanoseconds.
 *
 * Given by hand, it holds for all. Else each src's own `stream` record tells its own; a scaled counter runs at another
 * frequency than the one that its stream record speaks of, so with a ratio it has to be given.
 *
 * With --vm all that is on one timeline has one frequency: that of the host's counter, times the ratio where the
 * timeline is the guest's. The guest's own word is not the same: what it calibrated, or what KVM's clock tells it rounded,
 * may differ by some parts per million, and an hour with one of them is 3.6 ms.
 */
import { Failure } from '../cli/tool.js'
import { nameOf } from '../wire/names.js'
import { parseKhz, type Rate, scaledRate } from './machine-clock.js'

export interface Frequency {
  /** The rate of the aligned cycles of `src`. Throws a Failure where it is not known. */
  of(src: number): Rate
  /** A stream record of `src` gives its frequency in kHz. Answers whether that changes anything. */
  heard(src: number, khz: string): boolean
}

/** `scaled`: the aligned counter is not the one that stream records speak of. */
export function ownFrequency(given: Rate | undefined, scaled: boolean): Frequency {
  const rates: (Rate | undefined)[] = []
  return {
    of(src) {
      const rate = given ?? rates[src]
      if (!rate) throw new Failure(missing(src, scaled))
      return rate
    },
    heard(src, khz) {
      if (given || scaled) return false
      const rate = parseKhz(khz)
      const known = rates[src]
      if (known && same(known, rate)) return false
      rates[src] = rate
      return true
    },
  }
}

export interface VmFrequencyOptions {
  given: Rate | undefined
  /** From a guest's counter to the host's. */
  inverse: boolean
  /** The guest's counter runs so much faster. */
  scale: { ratio: bigint; fracBits: number } | undefined
  isHost(src: number): boolean
  /** What the kernel of this machine says, in kHz. */
  kernelKhz(): number | undefined
  warn(message: string): void
}

export function vmFrequency({ given, inverse, scale, isHost, kernelKhz, warn }: VmFrequencyOptions): Frequency {
  /** Of the timeline: from the host's stream, from this machine's kernel, or else from the guest. */
  let host: Rate | undefined
  let kernel: Rate | null | undefined
  let guest: Rate | undefined
  let warned = false

  function fromKernel(): Rate | null {
    if (kernel !== undefined) return kernel
    const khz = kernelKhz()
    kernel = khz === undefined ? null : onTimeline(parseKhz(String(khz)))
    return kernel
  }

  /** From the host's counter to the timeline's. */
  function onTimeline(rate: Rate): Rate {
    return inverse || !scale ? rate : scaledRate(rate, scale.ratio, 1n << BigInt(scale.fracBits))
  }

  function fromGuest(src: number): Rate {
    if (!guest) throw new Failure(missing(src, false))
    if (!warned)
      warn(
        "the host's frequency is not known here, that of the guest's stream is taken: give the same --tsc-khz to the host's tsc-align, or the two run apart",
      )
    warned = true
    return guest
  }

  return {
    of: (src) => given ?? host ?? fromKernel() ?? fromGuest(src),
    heard(src, khz) {
      if (given) return false
      const rate = parseKhz(khz)
      if (isHost(src)) {
        const known = host
        host = onTimeline(rate)
        return !known || !same(known, host)
      }
      const known = guest
      guest = inverse && scale ? scaledRate(rate, 1n << BigInt(scale.fracBits), scale.ratio) : rate
      return host === undefined && (!known || !same(known, guest))
    },
  }
}

function same(one: Rate, other: Rate): boolean {
  return one.num === other.num && one.den === other.den
}

function missing(src: number, scaled: boolean): string {
  const name = nameOf(src) === '' ? 'events without src' : JSON.stringify(nameOf(src))
  if (scaled)
    return `the frequency of the scaled counter of ${name} is not known: give --tsc-khz, or --cycles to stay in cycles`
  return `the frequency of ${name} is not known: give --tsc-khz (dmesg: "tsc: Refined TSC clocksource calibration"), or a stream record with tsc_khz, or --cycles`
}
