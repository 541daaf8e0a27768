/** Times and durations as people read them. */
import type { PageData } from '../page-data.js'

export interface Format {
  /** Three digits that count: `23.5 ms`. */
  short(duration: number): string
  /** All of it: `23.523950 ms`. */
  exact(duration: number): string
  /** A column of durations in one unit. */
  column(durations: readonly number[]): { unit: string; cell(duration: number): string }
  /** An instant: `39.144357955 s`. */
  instant(offset: number): string
  /** On an axis whose ticks are `step` apart. */
  tick(offset: number, step: number): string
  /** What stands below that axis. */
  axis: string
  /** The wall clock's time, or ''. */
  wall(offset: number): string
}

const scales = [
  { unit: 'ns', size: 1, digits: 0 },
  { unit: 'µs', size: 1e3, digits: 1 },
  { unit: 'ms', size: 1e6, digits: 3 },
  { unit: 's', size: 1e9, digits: 3 },
] as const

export function formatOf({ unit, base, wall }: PageData): Format {
  const cycles = unit === 'cycles'
  const seconds = BigInt(base) / 1_000_000_000n
  // digits that a number holds to the nanosecond
  const absolute = cycles ? BigInt(base) < 10n ** 15n : seconds >= 0n && seconds < 1_000_000n

  function short(duration: number): string {
    if (cycles) return `${grouped(duration)} cycles`
    const size = Math.abs(duration)
    const { unit, size: of } = scales.findLast((scale) => size >= scale.size) ?? scales[0]
    const value = duration / of
    const digits = of === 1 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
    return `${value.toFixed(digits)} ${unit}`
  }

  function exact(duration: number): string {
    if (cycles || Math.abs(duration) < 1e3) return short(duration)
    const { unit, size } = scales.findLast((scale) => Math.abs(duration) >= scale.size) ?? scales[0]
    return `${(duration / size).toFixed(Math.log10(size))} ${unit}`
  }

  function column(durations: readonly number[]) {
    const least = Math.min(...durations.filter((duration) => duration > 0), Number.MAX_VALUE)
    const { unit, size, digits } = cycles
      ? scales[0]
      : (scales.findLast((scale) => least >= scale.size * 20) ?? scales[0])
    return { unit: cycles ? 'cycles' : unit, cell: (duration: number) => grouped(duration / size, digits) }
  }

  function instant(offset: number): string {
    const at = BigInt(base) + BigInt(Math.round(offset))
    if (cycles) return `${at} cycles`
    const size = at < 0n ? -at : at
    return `${at < 0n ? '-' : ''}${size / 1_000_000_000n}.${String(size % 1_000_000_000n).padStart(9, '0')} s`
  }

  function tick(offset: number, step: number): string {
    if (cycles) return grouped((absolute ? Number(base) : 0) + offset)
    const digits = Math.min(9, Math.max(0, Math.ceil(9 - Math.log10(step) - 1e-9)))
    return ((absolute ? Number(seconds) : 0) + offset / 1e9).toFixed(digits)
  }

  function wallOf(offset: number): string {
    if (wall === undefined) return ''
    const ns = BigInt(base) + BigInt(Math.round(offset)) + BigInt(wall)
    const date = new Date(Number(ns / 1_000_000n))
    return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('T', ' ').replace('Z', ' UTC')
  }

  const name = cycles ? 'cycles' : 'seconds'
  return {
    short,
    exact,
    column,
    instant,
    tick,
    axis: absolute ? name : `${name} after ${cycles ? base : seconds}`,
    wall: wallOf,
  }
}

export function grouped(value: number, digits = 0): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** `12.3 %`, `<0.1 %`. */
export function percent(share: number): string {
  if (share > 0 && share < 0.001) return '<0.1 %'
  return `${(share * 100).toFixed(share >= 0.995 || share === 0 ? 0 : 1)} %`
}
