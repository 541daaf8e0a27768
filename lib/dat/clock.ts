/** What the times of a trace.dat are: cycles or nanoseconds, and what corrects them. */
import {
  SAMPLE_WORDS,
  SHIFT_ADD,
  SHIFT_COUNT,
  SHIFT_FLAGS,
  SHIFT_INTERPOLATE,
  SHIFT_WORDS,
} from '../assembly/ring-layout.js'
import { allocate, bytes, words } from '../wire/memory.js'
import type { Contents } from './contents.js'
import type { Options } from './options.js'

export interface DatClock {
  name: string
  cycles: boolean
  tscKhz: number | undefined
}

/** Clocks that do not count nanoseconds (trace_clocks in kernel/trace/trace.c: not in_ns). */
const counters = new Set(['x86-tsc', 'counter', 'uptime', 'ppc-tb', 's390-tod'])

export function clockOf({ options }: Pick<Contents, 'options'>): DatClock {
  // a buffer's own option may have the top-level clock, whatever the buffer's was
  const told = options.clock ?? options.buffers.find(({ clock }) => clock)?.clock ?? 'local'
  // trace-cmd's own name
  const name = told === 'tsc2nsec' ? 'x86-tsc' : told
  return { name, cycles: counters.has(name), tscKhz: name === 'x86-tsc' ? khzOf(options.tsc) : undefined }
}

/** ns = (cycles * mult) >> shift: at mult 1 and shift 1, 2 GHz. */
function khzOf(tsc: Options['tsc']): number | undefined {
  if (!tsc || tsc.mult === 0 || tsc.shift > 63) return undefined
  const khz = Math.round((1e6 * 2 ** tsc.shift) / tsc.mult)
  return khz > 0 && Number.isSafeInteger(khz) ? khz : undefined
}

/** The address of what corrects a CPU's times (assembly/ring-shift.ts), and its size; 0: nothing does. */
export function shiftOf({ samples, add }: Options, cpu: number, cycles: boolean): { address: number; size: number } {
  const of = samples?.cpus[cpu] ?? []
  // what is added is nanoseconds
  const ns = cycles ? 0n : add
  if (of.length === 0 && ns === 0n) return { address: 0, size: 0 }
  const size = (SHIFT_WORDS + of.length * SAMPLE_WORDS) * 4
  const address = allocate(size)
  words[(address >> 2) + SHIFT_COUNT] = of.length
  words[(address >> 2) + SHIFT_FLAGS] = samples?.interpolate ? SHIFT_INTERPOLATE : 0
  bytes.writeBigInt64LE(ns, address + SHIFT_ADD * 4)
  of.forEach(({ time, offset, ratio, fraction }, i) => {
    const at = address + (SHIFT_WORDS + i * SAMPLE_WORDS) * 4
    for (const [column, value] of [time, offset, ratio, fraction].entries())
      bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at + column * 8)
  })
  return { address, size }
}
