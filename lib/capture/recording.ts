/**
 * A recording: the instance being read, merged, and written as records. Whoever paces it says when.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { learnFormat } from '../kernel/program.js'
import { ALL, openRings } from '../kernel/rings.js'
import { kernelTscKhz, type Rate, rateOf } from '../tracefs/clock.js'
import { readKernelLog } from '../tracefs/kernel-log.js'
import { cpusOf, openReader, pageSize, type RingBuffer, type Round } from '../tracefs/reader.js'
import { threads } from '../tracefs/threads.js'
import { set } from '../tracefs/tracefs.js'
import { scanner } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { RecordView } from '../wire/record.js'
import { measureKhz, openMarks } from './marks.js'
import { leaveOutOwn } from './own.js'
import { clockRecord, streamRecord } from './records.js'
import type { Request, Setup } from './setup.js'

/** How often the clocks are sampled. */
const CLOCK_MS = 250
/** Threads that come again after this long are looked up again: they may have called exec. */
const THREADS_MS = 5000
/** Bytes of pages that are held for the merge, over all CPUs. */
const MAX_PAGES = 1 << 26

export interface RecordingOptions {
  root: string
  request: Request
  setup: Setup
  src: string
  /** `capture-host 0.1.0` */
  tool: string
  /** It is found out which guest a thread works for. */
  guests: boolean
  /** Events after which it stops. */
  count: number
  out: Out
}

export interface Recorded {
  events: number
  /** As the kernel counts them. */
  lost: number
  /** Events by the reader itself, left out; events of others that are about it. */
  own: number
  about: number
  /** The counter's rate in kHz as the `stream` record has it, and as the samples have it. */
  tscKhz: number | undefined
  measured: Rate | undefined
}

export interface Recording {
  readonly stopped: boolean
  /** Tracing is off; what was recorded is still to be read. */
  stop(): void
  /** Reads what there is, writes what is safely in order. */
  round(): Round
  /** What is to be done now and then. */
  tend(): void
  /** After the last round: what is left, and the `end` record. */
  end(): Recorded
}

/** Writes the `stream` record and switches tracing on. */
export async function startRecording(options: RecordingOptions): Promise<Recording> {
  const { request, setup, src, out, count } = options
  const instance = setup.instance.path
  const { clock } = setup
  const cycles = clock.unit === 'tsc'
  const tscKhz = cycles ? (kernelTscKhz(readKernelLog()) ?? (await measureKhz(setup.marks.path))) : undefined
  const size = pageSize(instance)
  const cpus = cpusOf(instance).filter((cpu) => request.cpus?.includes(cpu) ?? true)
  const buffers = buffersOf(setup, cpus)
  const depth = depthOf(size, buffers.length)
  const reader = openReader(buffers, size, depth / 4)
  setup.onRemove(reader.close)
  const marks = openMarks(setup.marks.path)
  setup.onRemove(marks.close)
  const known = threads(options.root, options.guests)
  const leaveOut = leaveOutOwn(instance)
  const view = new RecordView()
  const { add: addSample, rate } = rateOf()
  const session = randomBytes(8).toString('hex')
  let events = 0
  let stopped = false

  function takeRow(row: number): void {
    view.row = row
    if (view.isEvent && events === count) return
    out.pass(view)
    if (view.isEvent && ++events === count) stop()
  }

  function takeMark(row: number): void {
    const mark = marks.read(row)
    if (!mark) return
    scanner.setOwn(mark.pid)
    if (mark.pid !== process.pid) known.distrustProc()
    addSample(mark.sample)
    out.write(clockRecord(src, clock, mark.sample))
  }

  function stop(): void {
    if (stopped) return
    stopped = true
    marks.write()
    switchTo(0)
  }

  function switchTo(value: 0 | 1): void {
    for (const { path } of new Set([setup.marks, setup.instance])) set(join(path, 'tracing_on'), value, 'tracing_on')
  }

  const rings = openRings({
    cpus: buffers.map(({ lane }) => lane),
    cpuOf: (lane) => lane % MARKS,
    pageSize: size,
    depth,
    src,
    cycles,
    thread: known.tell,
    format: (id) => learnFormat('unknown', { name: `${id}`, id, fields: [] }, src, 'skip'),
    row: takeRow,
    note: takeMark,
  })
  const overrunsBefore = reader.overruns()
  const everyClock = repeated(CLOCK_MS, () => {
    leaveOut()
    marks.write()
  })
  const everyThreads = repeated(THREADS_MS, known.forget)

  out.write(streamRecord({ src, clock, tscKhz, tool: options.tool, session }))
  leaveOut()
  switchTo(1)
  everyClock()

  return {
    get stopped() {
      return stopped
    },
    stop,
    round() {
      const round = reader.round(rings)
      if (round.until === undefined) return round
      rings.merge(round.until)
      rings.floor(round.until)
      return round
    },
    tend() {
      // a mark cannot be written when tracing is off (EBADF)
      if (stopped) return
      everyThreads()
      everyClock()
    },
    end() {
      rings.merge(ALL)
      const lost = reader.overruns() - overrunsBefore
      for (const missing of rings.unsaid()) out.write(JSON.stringify({ type: 'lost', src, ...missing }))
      const { own, about } = rings.counts
      rings.close()
      out.write(JSON.stringify({ type: 'end', src, events, lost, session }))
      out.flush()
      return { events, lost, own, about, tscKhz, measured: cycles ? rate() : undefined }
    },
  }
}

/** Lanes of the merge from here on are those of the instance for marks. */
const MARKS = 1 << 20

function buffersOf({ instance, marks }: Setup, cpus: readonly number[]): RingBuffer[] {
  const events = cpus.map((cpu) => ({ lane: cpu, instance: instance.path, cpu }))
  if (marks === instance) return events
  return [...events, ...cpusOf(marks.path).map((cpu) => ({ lane: MARKS + cpu, instance: marks.path, cpu }))]
}

/** Pages that may wait for a CPU: a power of two. */
function depthOf(size: number, cpus: number): number {
  return Math.min(1024, 2 ** Math.floor(Math.log2(Math.max(16, MAX_PAGES / size / cpus))))
}

/** A function that does something when `ms` have passed since it did. */
function repeated(ms: number, what: () => void): () => void {
  let next = 0
  return () => {
    const now = performance.now()
    if (now < next) return
    what()
    next = performance.now() + ms
  }
}
