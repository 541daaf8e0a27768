/**
 * A distribution in the terminal: a line for each power of two, as bpftrace and the kernel's hist triggers
 * print it.
 *
 *     [512, 1K) ns      1204 |@@@@@@@@@@@@@                           |
 */
import type { Histogram } from './histogram.js'

const WIDTH = 40

export function bars(histogram: Histogram, unit: 'ns' | 'cycles'): string {
  const counts = new Map<number, number>()
  for (const [value, count] of histogram.buckets()) {
    const power = value < 1 ? -1 : Math.floor(Math.log2(value))
    counts.set(power, (counts.get(power) ?? 0) + count)
  }
  if (counts.size === 0) return ''
  const most = Math.max(...counts.values())
  const lines: string[] = []
  for (let power = Math.min(...counts.keys()); power <= Math.max(...counts.keys()); power++) {
    const count = counts.get(power) ?? 0
    const range = power < 0 ? '[0, 1)' : `[${size(2 ** power)}, ${size(2 ** (power + 1))})`
    const bar = '@'.repeat(count === 0 ? 0 : Math.max(1, Math.round((count / most) * WIDTH)))
    lines.push(`${`${range} ${unit}`.padEnd(20)} ${String(count).padStart(10)} |${bar.padEnd(WIDTH)}|`)
  }
  return `${lines.join('\n')}\n`
}

/** 1024 is 1K, as in the tools that print powers of two. */
function size(n: number): string {
  const units = ['', 'K', 'M', 'G', 'T', 'P']
  let at = 0
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024
    at++
  }
  return `${n}${units[at]}`
}
