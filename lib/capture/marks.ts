/**
 * Marks: what we write to the instance's trace_marker, to learn from the stamp it comes out with what the trace
 * clock said when the other clocks were read.
 */
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ARGS, PID, TIME } from '../assembly/layout.js'
import { rateOf, type Sample, wallClock } from '../tracefs/clock.js'
import { set } from '../tracefs/tracefs.js'
import { integer64 } from '../wire/int64.js'
import { utf8, words } from '../wire/memory.js'

export interface Marks {
  write(): void
  /** What the row of a mark says; undefined when somebody else wrote it. `pid` is ours, as the kernel has it. */
  read(row: number): { sample: Sample; pid: number } | undefined
  close(): void
}

/** Marks that may be on their way. Those that were overwritten before they were read never come. */
const MOST = 4096

interface Mark {
  number: number
  sample: Omit<Sample, 'stamp'>
}

export function openMarks(instance: string): Marks {
  const fd = openSync(join(instance, 'trace_marker'), constants.O_WRONLY)
  const wall = wallClock(process.hrtime.bigint, Date.now)
  // no Map: one that is set and deleted for days makes garbage that only a full collection finds
  const written = new Array<Mark | undefined>(MOST)
  let count = 0
  return {
    write() {
      const before = process.hrtime.bigint()
      writeSync(fd, `vmpipe ${++count}`)
      const after = process.hrtime.bigint()
      const mono = (before + after) / 2n
      const sample = { mono, wall: wall(mono), errorNs: Math.ceil(Number(after - before) / 2) }
      written[count % MOST] = { number: count, sample }
    },
    read(row) {
      const { buf } = JSON.parse(utf8(words[row + ARGS] as number, words[row + ARGS + 1] as number)) as { buf: string }
      const number = Number(/^vmpipe (\d+)$/.exec(buf)?.[1] ?? 0)
      const mark = written[number % MOST]
      if (mark?.number !== number) return undefined
      written[number % MOST] = undefined
      return {
        sample: { ...mark.sample, stamp: BigInt.asUintN(64, integer64(row + TIME)) },
        pid: words[row + PID] as number,
      }
    },
    close: () => closeSync(fd),
  }
}

/** How long the rate of the counter is measured where the kernel does not tell it. */
const MEASURE_MS = 200

/** The rate of an instance's counter in kHz, from two marks read back as text. Tracing is off afterwards, and the buffer empty. */
export async function measureKhz(instance: string): Promise<number | undefined> {
  set(join(instance, 'tracing_on'), 1, 'tracing_on')
  const { add, rate } = rateOf()
  samplesNow(instance).forEach(add)
  await sleep(MEASURE_MS)
  samplesNow(instance).forEach(add)
  set(join(instance, 'tracing_on'), 0, 'tracing_on')
  writeFileSync(join(instance, 'trace'), '')
  const measured = rate()
  return measured && Math.round(measured.khz)
}

/** A few marks and their stamps; none where they do not come out as they went in. */
function samplesNow(instance: string): Sample[] {
  const samples = Array.from({ length: 4 }, (_, i) => {
    const before = process.hrtime.bigint()
    writeFileSync(join(instance, 'trace_marker'), `vmpipe measures ${i}`)
    const after = process.hrtime.bigint()
    return { mono: (before + after) / 2n, errorNs: Number(after - before) / 2, wall: 0n }
  })
  const text = readFileSync(join(instance, 'trace'), 'utf8')
  const stamps = [...text.matchAll(/(\d+): tracing_mark_write: vmpipe measures \d$/gm)].slice(-samples.length)
  if (stamps.length < samples.length) return []
  return samples.map((sample, i) => ({ ...sample, stamp: BigInt(stamps[i]?.[1] as string) }))
}
