/**
 * Progress: a line on the terminal while files are read for longer than a second, gone at the end.
 *
 *     parse: 42 %  387 MB/s  0:03 left
 *
 * Percent, rate and what is left are counted in the files' own bytes, so those of a compressed file are known as
 * well. Where a pipe is among the inputs nothing is known, and nothing is shown. Wall time is what a user waits for;
 * but where stdout is a pipe, a pager may stand behind it that waits for its user: there the CPU's time counts.
 */
import { fstatSync, statSync } from 'node:fs'
import type { Meter } from '../wire/source.js'
import { clearLine, hasTerminalLine, showLine, terminalColumns } from './terminal-line.js'

export interface Progress {
  /** A file is about to be read. */
  reading(meter: Meter): void
  /** All is read, or nothing more will be. */
  end(): void
}

const EVERY_MS = 250
const AFTER_MS = 1000

export function progress(tool: string, files: readonly string[]): Progress {
  const meters: Meter[] = []
  let timer: NodeJS.Timeout | undefined
  let total: number | undefined
  let began = 0
  let drawn = -1

  function tick(): void {
    const elapsed = performance.now() - began
    if (elapsed < AFTER_MS || (isPipe(1) && busy() < AFTER_MS)) return
    total ??= totalSize(files) ?? 0
    if (total === 0) {
      clearInterval(timer)
      return
    }
    const done = meters.reduce((sum, meter) => sum + Math.min(meter.done, meter.size), 0)
    // nothing moves: whoever takes the output has the user's attention
    if (done === drawn || !hasTerminalLine()) return
    drawn = done
    showLine(progressText(tool, done, Math.max(done, total), elapsed / 1000, terminalColumns() - 1))
  }

  return {
    reading(meter) {
      meters.push(meter)
      if (timer) return
      began = performance.now()
      timer = setInterval(tick, EVERY_MS).unref()
    },
    end() {
      clearInterval(timer)
      clearLine()
    },
  }
}

/** The longest form that `width` columns hold; none where not even the percentage fits. */
export function progressText(tool: string, done: number, total: number, seconds: number, width: number): string {
  const rate = done / seconds
  const percent = `${Math.floor((done / total) * 100)} %`
  const left = rate > 0 ? `${clock(Math.ceil((total - done) / rate))} left` : '?:?? left'
  const whole = [percent, rateText(rate), left].join('  ')
  const forms = [`${tool}: ${whole}`, whole, `${percent}  ${left}`, percent]
  return forms.find((form) => form.length <= width) ?? ''
}

function rateText(rate: number): string {
  if (rate < 1e5) return `${(rate / 1e3).toFixed(1)} kB/s`
  return `${(rate / 1e6).toFixed(rate < 1e7 ? 1 : 0)} MB/s`
}

/** 0:03, 12:40, 1:02:03 */
function clock(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

/** The size of all of them; undefined where one has none. What cannot be opened is said elsewhere. */
function totalSize(files: readonly string[]): number | undefined {
  let total = 0
  for (const path of files) {
    const stat = path === '-' ? fstatSync(0) : statSync(path, { throwIfNoEntry: false })
    if (stat && !stat.isFile()) return undefined
    total += stat?.size ?? 0
  }
  return total
}

function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd)
    return stat.isFIFO() || stat.isSocket()
  } catch {
    return false
  }
}

/** CPU time of this process, in ms. */
function busy(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
