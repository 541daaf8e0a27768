/**
 * A capture: from an instance of tracefs to a stream of events.
 *
 * A round reads what all CPUs have and writes what is safely in order. Every 250 ms a mark is written to the
 * instance's trace_marker; where it comes out again stands a `clock` record: the trace clock, the monotonic and the
 * wall clock at one instant, and the promise that nothing older follows.
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setImmediate, setTimeout as sleep } from 'node:timers/promises'
import { learnFormat } from '../kernel/program.js'
import { ALL, openRings } from '../kernel/rings.js'
import { kernelTscKhz, type Rate, rateOf } from '../tracefs/clock.js'
import { readKernelLog } from '../tracefs/kernel-log.js'
import { cpusOf, openReader, pageSize, type Round } from '../tracefs/reader.js'
import { threads } from '../tracefs/threads.js'
import { set } from '../tracefs/tracefs.js'
import { scanner } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { RecordView } from '../wire/record.js'
import { measureKhz, openMarks } from './marks.js'
import { leaveOutOwn } from './own.js'
import { clockRecord, streamRecord } from './records.js'
import type { Request, Setup } from './setup.js'

/** How often the clocks are sampled, and how long a quiet machine is left alone. */
const CLOCK_MS = 250
const IDLE_MS = 100
/** Threads that come again after this long are looked up again: they may have called exec. */
const THREADS_MS = 5000
/** Pages that are held for the merge, over all CPUs. */
const MAX_PAGES = 1 << 14

export interface CaptureOptions {
  root: string
  request: Request
  setup: Setup
  src: string
  /** `capture-host 0.1.0` */
  tool: string
  /** It is found out which guest a thread works for. */
  guests: boolean
  /** Events after which it ends. */
  count: number
  out: Out
  /** Whoever takes the stream cannot take more before this. */
  ready(): Promise<void> | undefined
  /** Resolves when the capture is to end. */
  stopped: Promise<void>
}

export interface Captured {
  events: number
  /** As the kernel counts them. */
  lost: number
  /** Events by the reader itself, left out; events of others that are about it. */
  own: number
  about: number
  measured: Rate | undefined
}

export async function capture({ root, request, setup, src, out, ...options }: CaptureOptions): Promise<Captured> {
  const instance = setup.instance.path
  const { clock } = setup
  const tscKhz = clock.unit === 'tsc' ? (kernelTscKhz(readKernelLog()) ?? (await measureKhz(instance))) : undefined
  const size = pageSize(instance)
  const cpus = cpusOf(instance).filter((cpu) => request.cpus?.includes(cpu) ?? true)
  const depth = Math.min(1024, 2 ** Math.floor(Math.log2(Math.max(16, (MAX_PAGES * 4096) / size / cpus.length))))
  const reader = openReader(instance, cpus, size, depth / 4)
  setup.onRemove(reader.close)
  const marks = openMarks(instance)
  setup.onRemove(marks.close)
  const known = threads(root, options.guests)
  const leaveOut = leaveOutOwn(instance)
  const view = new RecordView()
  const rate = rateOf()
  let events = 0
  let stopping = false
  void options.stopped.then(() => {
    stopping = true
  })

  function takeRow(row: number): void {
    view.row = row
    if (view.isEvent && events === options.count) return
    out.pass(view)
    if (view.isEvent && ++events === options.count) stopping = true
  }

  function takeMark(row: number): void {
    const mark = marks.read(row)
    if (!mark) return
    scanner.setOwn(mark.pid)
    if (mark.pid !== process.pid) known.distrustProc()
    rate.add(mark.sample)
    out.write(clockRecord(src, clock, mark.sample))
  }

  const rings = openRings({
    cpus,
    pageSize: size,
    depth,
    src,
    cycles: clock.unit === 'tsc',
    thread: known.tell,
    format: (id) => learnFormat('unknown', { name: `${id}`, id, fields: [] }, src, 'skip'),
    row: takeRow,
    note: takeMark,
  })

  function takeRound(): Round {
    const round = reader.round(rings)
    if (round.until === undefined) return round
    rings.merge(round.until)
    rings.floor(round.until)
    return round
  }

  const before = reader.overruns()
  const session = randomBytes(8).toString('hex')
  out.write(streamRecord({ src, clock, tscKhz, tool: options.tool, session }))
  known.forget()
  leaveOut()
  set(join(instance, 'tracing_on'), 1, 'tracing_on')
  const everyClock = repeated(CLOCK_MS, () => {
    leaveOut()
    marks.write()
  })
  const everyThreads = repeated(THREADS_MS, known.forget)
  const wait = pacing((request.bufferKib * 1024) / size)
  everyClock()
  while (!stopping) {
    const round = takeRound()
    out.flush()
    await options.ready()
    // signals and timers have their turn even when more is waiting
    if (round.more) await setImmediate()
    else await Promise.race([sleep(wait(round.pages)), options.stopped])
    everyThreads()
    everyClock()
  }

  marks.write()
  set(join(instance, 'tracing_on'), 0, 'tracing_on')
  while (takeRound().pages > 0) await options.ready()
  rings.merge(ALL)
  const overruns = reader.overruns()
  const lost = cpus.reduce((sum, cpu) => sum + (overruns.get(cpu) ?? 0) - (before.get(cpu) ?? 0), 0)
  const measured = clock.unit === 'tsc' ? rate.rate() : undefined
  const { own, about } = rings.counts
  rings.close()
  out.write(JSON.stringify({ type: 'end', src, events, lost, session }))
  out.flush()
  return { events, lost, own, about, measured }
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

/** How long to leave the buffers alone, so that an eighth of the `capacity` in pages fills up. */
function pacing(capacity: number): (pages: number) => number {
  let last = performance.now()
  return (pages) => {
    const now = performance.now()
    const rate = pages / Math.max(1, now - last)
    last = now
    return Math.min(IDLE_MS, Math.floor(capacity / 8 / Math.max(rate, 1e-6)))
  }
}
