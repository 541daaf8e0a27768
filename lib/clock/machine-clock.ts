/**
 * A machine's clock: how its cycles become another machine's, and nanoseconds. The arithmetic is in
 * assembly/clock.ts; here a clock is described, checked and put into the memory.
 *
 * `offset` and `ratio` are KVM's tsc-offset and tsc-scaling-ratio (debugfs, vcpuN/), `fracBits` its
 * tsc-scaling-ratio-frac-bits: 48 on Intel, 32 on AMD. A rate is a fraction, so 2445430.123 kHz loses nothing:
 * 1 s is 2445430123 cycles, ns = cycles * 1000000000 / 2445430123.
 */
import {
  CLOCK_CYCLES,
  CLOCK_DEN,
  CLOCK_FLAGS,
  CLOCK_FRAC,
  CLOCK_INVERSE,
  CLOCK_LIMIT,
  CLOCK_NUM,
  CLOCK_OFFSET,
  CLOCK_RATIO,
  CLOCK_SCALED,
  CLOCK_WIDE,
  CLOCK_WORDS,
} from '../assembly/clock-layout.js'
import { integer64 } from '../wire/int64.js'
import { allocate, release, scanner, words } from '../wire/memory.js'

/** ns = cycles * num / den. */
export interface Rate {
  num: bigint
  den: bigint
}

export interface Transform {
  /** Guest to host. */
  inverse: boolean
  offset: bigint
  ratio?: bigint | undefined
  fracBits?: number | undefined
  /** undefined: the result stays in cycles. */
  rate?: Rate | undefined
}

const CLOCK_SIZE = CLOCK_WORDS * 4

/** The address of a clock that `scanner.align` takes; it is held until `freeClock`. */
export function machineClock({ inverse, offset, ratio, fracBits = 0, rate }: Transform): number {
  const address = allocate(CLOCK_SIZE)
  const at = address >> 2
  const { num, den } = rate ?? { num: 1n, den: 1n }
  const wide = (den - 1n) * num >= 1n << 64n
  words[at + CLOCK_FLAGS] =
    (inverse ? CLOCK_INVERSE : 0) |
    (ratio === undefined ? 0 : CLOCK_SCALED) |
    (rate ? 0 : CLOCK_CYCLES) |
    (wide ? CLOCK_WIDE : 0)
  words[at + CLOCK_FRAC] = fracBits
  store(at + CLOCK_OFFSET, offset)
  store(at + CLOCK_RATIO, ratio ?? 0n)
  store(at + CLOCK_NUM, num)
  store(at + CLOCK_DEN, den)
  store(at + CLOCK_LIMIT, largest(num, den))
  return address
}

export function freeClock(address: number): void {
  release(address, CLOCK_SIZE)
}

/** The most cycles whose ns still are below 2^63. */
function largest(num: bigint, den: bigint): bigint {
  const limit = ((1n << 63n) * den - 1n) / num
  return limit < 1n << 63n ? limit : 1n << 63n
}

function store(word: number, value: bigint): void {
  words[word] = Number(BigInt.asIntN(32, value))
  words[word + 1] = Number(BigInt.asIntN(32, value >> 32n))
}

const scratch = allocate(8)

/** One value through a clock; undefined where the result needs more than 64 bits. */
export function convert(clock: number, cycles: bigint): bigint | undefined {
  store(scratch >> 2, cycles)
  return scanner.align(clock, scratch) ? integer64(scratch >> 2) : undefined
}

/** A 64-bit integer as debugfs and trace events write it: -530607982635, 18446743543101568981 or 0xffff…; answers it signed. */
export function parseInteger64(text: string): bigint {
  if (!/^(-?\d{1,20}|-?0x[0-9a-f]{1,16})$/i.test(text))
    throw new Error(`${JSON.stringify(text)} is not an integer of 64 bits`)
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
  if (value >= 1n << 64n || value < -(1n << 63n)) throw new Error(`${text} needs more than 64 bits`)
  return BigInt.asIntN(64, value)
}

/** A scaling ratio: not 0. */
export function parseRatio(text: string): bigint {
  const ratio = BigInt.asUintN(64, parseInteger64(text))
  if (ratio === 0n || text.startsWith('-')) throw new Error(`${text} is no scaling ratio: one is above 0`)
  return ratio
}

export function parseFracBits(text: string): number {
  const bits = /^\d{1,2}$/.test(text) ? Number(text) : 64
  if (bits > 63) throw new Error(`${JSON.stringify(text)} is no number of fraction bits: 48 on Intel, 32 on AMD`)
  return bits
}

/** kHz, with up to six decimals. */
export function parseKhz(text: string): Rate {
  const match = /^(\d{1,10})(?:\.(\d{1,6}))?$/.exec(text)
  const decimals = match?.[2] ?? ''
  const den = match ? BigInt(`${match[1]}${decimals}`) : 0n
  if (den === 0n) throw new Error(`${JSON.stringify(text)} is no frequency in kHz such as 2445430 or 2445430.123`)
  const num = 10n ** BigInt(6 + decimals.length)
  const common = divisor(num, den)
  return { num: num / common, den: den / common }
}

/** The rate of a counter that runs up/down times as fast, to 10^-6 kHz: 2500000 kHz times 6/5 is 3000000 kHz. */
export function scaledRate({ num, den }: Rate, up: bigint, down: bigint): Rate {
  const millihertz = (den * 10n ** 12n * up + (num * down) / 2n) / (num * down)
  if (millihertz === 0n) throw new Error('the scaled frequency is 0')
  const common = divisor(10n ** 12n, millihertz)
  return { num: 10n ** 12n / common, den: millihertz / common }
}

/** How many cycles `ns` are; where the frequency is not known, at 4 GHz, as too many do less harm than too few. */
export function cyclesOf(ns: number, rate: Rate | undefined): number {
  return rate ? (ns * Number(rate.den)) / Number(rate.num) : ns * 4
}

function divisor(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}
