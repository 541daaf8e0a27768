/** A trace.dat as records: its `stream` record, then its events in the order of time, and what is missing. */
import { setImmediate } from 'node:timers/promises'
import { parseFormat } from '../kernel/format.js'
import { learnFormat } from '../kernel/program.js'
import { ALL, openRings, type Rings } from '../kernel/rings.js'
import { forgetSymbols, learnPrintks, learnSymbols } from '../kernel/symbols.js'
import { allocate, bytes, release, scanner } from '../wire/memory.js'
import { Broken, type Reader } from './bytes.js'
import { clockOf, type DatClock, shiftOf } from './clock.js'
import type { Held } from './contents.js'
import type { Dat } from './dat.js'
import { DEPTH, fill, type Lane, lanesOf, largest } from './lanes.js'
import { commsOf, eventFormats, type FormatText, formatsById, ftraceFormats } from './metadata.js'

declare const VERSION: string

export interface Taker {
  /** The row (word index) of an event or a loss. */
  row(row: number): void
  /** A record as JSON text. */
  write(line: string): void
  /** Something cannot be read, and the rest goes on. */
  problem(message: string): void
  /** The same of something of which there may be many. */
  bad(message: string): void
  stopped(): boolean
  /** Asked before more is read: whoever takes the records may not be able to now. */
  ready?(): Promise<void> | undefined
}

/** All of an opened file. Answers how many events its pages say are missing. Throws Broken where nothing can be read. */
export async function readDat(dat: Dat, src: string, to: Taker): Promise<number> {
  if (dat.options.text && dat.buffers.every(({ parts }) => parts.length === 0))
    throw new Broken("a latency tracer's text, no events: trace-cmd report prints it, and parse reads that")
  if (dat.broken) to.problem(dat.broken)
  const clock = clockOf(dat)
  const lanes = lanesOf(dat)
  learn(dat, src, to)
  await to.ready?.()
  to.write(streamRecord(dat, clock, src))
  const shifts = lanes.map(({ cpu }) => shiftOf(dat.options, cpu, clock.cycles))
  const rings = openRings({
    cpus: [...lanes.keys()],
    cpuOf: (i) => (lanes[i] as Lane).cpu,
    shift: (i) => shifts[i]?.address ?? 0,
    pageSize: largest(lanes),
    depth: DEPTH,
    src,
    cycles: clock.cycles,
    thread: threads(dat, to),
    format: formats(dat, src, to),
    row: to.row,
    note: () => {},
  })
  try {
    await merge(lanes, rings, src, to)
    return lanes.reduce((sum, _, i) => sum + rings.missed(i), 0)
  } finally {
    rings.close()
    for (const { address, size } of shifts) if (size > 0) release(address, size)
    forgetSymbols()
  }
}

async function merge(lanes: readonly Lane[], rings: Rings, src: string, to: Taker): Promise<void> {
  let cut: Lane[] = []
  for (let turn = 1; !to.stopped(); turn++) {
    const waits = to.ready?.()
    if (waits) await waits
    const { moved, until, broken } = fill(lanes, rings)
    for (const lane of broken) to.problem(`CPU ${lane.cpu}: ${lane.broken?.why}`)
    cut = [...cut, ...broken].filter(({ cpu, broken: lost }) => {
      const from = lost?.from ?? 0n
      if (until !== undefined && from > until) return true
      rings.merge(from)
      to.write(JSON.stringify({ type: 'lost', src, cpu, from: lost?.from?.toString() }))
      return false
    })
    // where nothing moves, a page's times go back: what there is goes out
    rings.merge(until === undefined || !moved ? ALL : until)
    if (until === undefined && lanes.every(({ ended }) => ended)) break
    if ((turn & 15) === 0) await setImmediate()
  }
  for (const lost of rings.unsaid()) to.write(JSON.stringify({ type: 'lost', src, ...lost }))
}

/** `Linux host 6.1.0 x86_64` is what uname() says: the second word is the machine's name, the third the kernel. */
function streamRecord({ options }: Dat, { name, cycles, tscKhz }: DatClock, src: string): string {
  const [, hostname, kernel] = options.uname?.split(' ') ?? []
  return JSON.stringify({
    type: 'stream',
    version: 1,
    src,
    clock: name,
    unit: cycles ? 'tsc' : 'ns',
    tsc_khz: tscKhz,
    hostname,
    kernel,
    tool: `parse ${VERSION}`,
  })
}

/** What the last file said is forgotten, what this one says is learnt. */
function learn(dat: Dat, src: string, to: Taker): void {
  scanner.forgetPrograms()
  scanner.forgetThreads()
  forgetSymbols()
  const printk = part(dat.printk, (reader) => sized(reader, reader.u32()), to)
  if (printk) learnPrintks(printk.toString('latin1'))
  const kallsyms = part(dat.kallsyms, (reader) => sized(reader, reader.u32()), to)
  if (kallsyms) learnSymbols(kallsyms)
  // a stack belongs to the event before it: it must be known when that is written
  for (const format of ftraceFormats(dat.ftrace()))
    if (/^name: kernel_stack$/m.test(format.text)) learnText(format, src)
}

/** Answers what is wrong with it; where it is needed that is said. */
function learnText({ system, text }: FormatText, src: string): string | undefined {
  try {
    learnFormat(system, parseFormat(text), src)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Tells the decoder the comm of a thread, as the kernel had saved it. */
function threads(dat: Dat, to: Taker): (pid: number) => void {
  const room = allocate(64)
  const saved = part(dat.cmdlines, (reader) => sized(reader, reader.u64()), to)?.toString('latin1')
  const comms = commsOf(saved ?? '')
  return (pid) => {
    const comm = pid === 0 ? '<idle>' : (comms.get(pid) ?? '')
    scanner.setThread(pid, room, bytes.write(comm, room, 16, 'latin1'), 0)
  }
}

/** Tells the decoder an event's format; what has none that can be read is left out, and said once. */
function formats(dat: Dat, src: string, to: Taker): (id: number) => void {
  let known: Map<number, FormatText> | undefined
  return (id) => {
    known ??= formatsById([...ftraceFormats(dat.ftrace()), ...eventFormats(dat.events())])
    const format = known.get(id)
    const wrong = format ? learnText(format, src) : 'it has no format'
    if (wrong === undefined) return
    to.bad(`event ${id} is left out: ${wrong}`)
    learnFormat('unknown', { name: `${id}`, id, fields: [] }, src, 'skip')
  }
}

/** A part of the metadata; one that cannot be read is said, and done without. */
function part<T>(held: Held | undefined, read: (reader: Reader) => T, to: Taker): T | undefined {
  try {
    return held && read(held())
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    to.problem(error.message)
    return undefined
  }
}

const MAX_TEXT = 1 << 27

function sized(reader: Reader, length: number): Buffer {
  if (length > MAX_TEXT) throw new Broken(`${length} bytes of names`)
  return reader.take(length)
}
