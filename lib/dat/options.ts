/**
 * The options of a trace.dat: numbered pieces that say how it was recorded, and in version 7 also where everything
 * is (trace-cmd.dat.v6(5), trace-cmd.dat.v7(5)). What is not known is skipped: that is what they are for.
 */
import { heldBytes, type Reader, readFrom } from './bytes.js'

/** One CPU's part of a buffer: where its pages are. */
export interface Part {
  cpu: number
  offset: number
  size: number
}

export interface BufferOption {
  /** '' is the top-level buffer. */
  name: string
  offset: number
  clock?: string
  pageSize?: number
  parts?: Part[]
}

/** How a guest's clock ran against the host's: samples for each CPU. */
export interface Samples {
  interpolate: boolean
  cpus: Sample[][]
}

export interface Sample {
  time: bigint
  offset: bigint
  ratio: bigint
  fraction: bigint
}

export interface Options {
  clock?: string
  /** `Linux host 6.1.0 x86_64` */
  uname?: string
  cpus?: number
  /** Added to all times, in ns. */
  add: bigint
  samples?: Samples
  /** ns = (cycles * mult) >> shift */
  tsc?: { mult: number; shift: number }
  buffers: BufferOption[]
  /** A buffer is text (a latency tracer's). */
  text: boolean
  /** Version 7: where the sections are, by their ids. */
  sections: Map<number, number>
}

export function noOptions(): Options {
  return { add: 0n, buffers: [], text: false, sections: new Map() }
}

export const DONE = 0
const DATE = 1
const BUFFER = 3
const TRACECLOCK = 4
const UNAME = 5
const OFFSET = 7
const CPUCOUNT = 8
const TIME_SHIFT = 12
const TSC2NSEC = 14
/** Those from here to CMDLINES say where the section of the same number is. */
export const HEADER_INFO = 16
export const FTRACE_EVENTS = 17
export const EVENT_FORMATS = 18
export const KALLSYMS = 19
export const PRINTK = 20
export const CMDLINES = 21
const BUFFER_TEXT = 22

/** Takes one option into what is known. `sections`: the file is of version 7. */
export function takeOption(into: Options, id: number, data: Buffer, sections: boolean): void {
  const reader = readFrom(heldBytes(data), 0)
  if (id === DATE) into.add += numberIn(data) * 1000n
  else if (id === OFFSET) into.add += numberIn(data)
  // the one in use stands in brackets
  else if (id === TRACECLOCK) into.clock = /\[([\w-]+)\]/.exec(textOf(data))?.[1] ?? into.clock
  else if (id === UNAME) into.uname = textOf(data)
  else if (id === CPUCOUNT) into.cpus = reader.u32()
  else if (id === TIME_SHIFT) into.samples = samplesOf(reader)
  else if (id === TSC2NSEC) into.tsc = { mult: reader.u32(), shift: reader.u32() }
  else if (id === BUFFER) into.buffers.push(bufferOf(reader, sections))
  else if (id === BUFFER_TEXT) into.text = true
  else if (sections && id >= HEADER_INFO && id <= CMDLINES) into.sections.set(id, reader.u64())
}

function textOf(data: Buffer): string {
  return data.toString('latin1').replace(/\0.*$/s, '')
}

/** `0x660e0d22e5451`, `-1500`: as strtoll() reads it, with what cannot be read as 0. */
function numberIn(data: Buffer): bigint {
  const [, sign, digits] = /^\s*([-+]?)(0x[0-9a-f]{1,16}|\d{1,20})/i.exec(textOf(data)) ?? []
  if (digits === undefined) return 0n
  return BigInt.asIntN(64, sign === '-' ? -BigInt(digits) : BigInt(digits))
}

function bufferOf(reader: Reader, sections: boolean): BufferOption {
  const offset = reader.u64()
  const name = reader.text()
  if (!sections) return { name, offset }
  const clock = reader.text()
  const pageSize = reader.u32()
  const count = reader.u32()
  const parts: Part[] = []
  for (let i = 0; i < count; i++) parts.push({ cpu: reader.u32(), offset: reader.u64(), size: reader.u64() })
  return { name, offset, clock, pageSize, parts }
}

function samplesOf(reader: Reader): Samples {
  reader.wide() // the session of the peer
  const interpolate = (reader.u32() & 1) !== 0
  const cpus: Sample[][] = []
  const count = reader.u32()
  for (let cpu = 0; cpu < count; cpu++) {
    const n = reader.u32()
    const columns = [times(reader, n), times(reader, n), times(reader, n)]
    cpus.push(
      (columns[0] as bigint[]).map((time, i) => ({
        time,
        offset: columns[1]?.[i] as bigint,
        ratio: columns[2]?.[i] as bigint,
        fraction: 0n,
      })),
    )
  }
  // files of older trace-cmd have no fractions
  if (reader.left > 0) for (const samples of cpus) for (const sample of samples) sample.fraction = reader.wide()
  return { interpolate, cpus: cpus.map(distinct) }
}

function times(reader: Reader, count: number): bigint[] {
  const found: bigint[] = []
  for (let i = 0; i < count; i++) found.push(reader.wide())
  return found
}

/** In the order of time, one sample a time. */
function distinct(samples: Sample[]): Sample[] {
  const sorted = samples.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))
  return sorted.filter(({ time }, i) => i === 0 || time !== sorted[i - 1]?.time)
}
