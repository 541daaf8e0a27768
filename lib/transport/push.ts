/**
 * Pushing: records, or lines of text, to a target.
 *
 * Lines are gathered and go out once an interval, or when a buffer is full: a guest that traces its own interrupts
 * would otherwise make new events with each one it sends. Each interval ends with a `clock` record that tells how
 * many lines went before; the input's own is used where it came in that interval.
 *
 * Used by the tool push, and by whoever captures and pushes in one process: `take` records, or give `lines` from
 * the memory; await `ready()` where it answers a promise; `close` at the end. Not part of any command line.
 */
import {
  HAS,
  HAS_BROKEN,
  HAS_TS,
  HAS_TSC,
  LINE,
  LINE_END,
  OWN,
  SRC,
  TEXT_CONTROL,
  TEXT_LINE,
  TIME,
  TYPE,
} from '../assembly/layout.js'
import { type Members, parseComment } from '../wire/comment.js'
import { wide } from '../wire/int64.js'
import { allocate, bytes, latin1, scanner, utf8, words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import { LINE_ROOM, type RecordView } from '../wire/record.js'
import { broadcast } from './broadcast.js'
import { connectionChannel } from './connection.js'
import { pathChannel, standardChannel } from './descriptor.js'
import { type NatsPush, natsOutlet } from './nats-outlet.js'
import type { Outlet, OutletOptions } from './outlet.js'
import { type ControlKind, type Dialect, json, text, wall } from './session.js'
import { single } from './single.js'
import { stopSign } from './stop-sign.js'
import { kindOf, type Target } from './target.js'

export interface PushOptions {
  /** ms between writes; 0: as soon as `ready` is asked. */
  interval: number
  /** Bytes that wait for one client of a broadcast. */
  bound: number
  /** Wait for a target that is not there, and for the first client of a broadcast. */
  wait: boolean
  /** For a stream of NATS. */
  nats?: NatsPush
  /** Named in the `stream` record: `push 0.1.0`. */
  tool: string
  /** It cannot go on, and nobody waits in `ready` or `close` to be told. */
  failed(error: Error): void
  /** Something to know. */
  say(message: string): void
}

export interface Push {
  /** One record, or a line of text (lines.ts). */
  take(record: RecordView): void
  /** Whole lines that stand in the memory, newlines included; none of them `stream`, `clock` or `end`. */
  lines(from: number, end: number, count: number): void
  /** A record that tells the count: `session` and `sent` are added. */
  control(kind: ControlKind, members: Members): void
  /** What is gathered goes out now. */
  flush(): void
  /** A promise while no more should be given. Rejects where it cannot go on. */
  ready(): Promise<void> | undefined
  /** No more is waited for: `close` gives up soon. */
  stop(): void
  /** Sends what is left and the `end` record. */
  close(): Promise<Pushed>
}

export interface Pushed {
  lines: number
  /** Lines that could not be sent. */
  unsent: number
  /** What its kind of target has to tell. */
  text: string
}

const SIZE = 1 << 18
const CLOCK_MS = 250
/** ms without progress, at the end: after ^C (before it a single receiver is waited for), and of a broadcast's clients. */
const PATIENCE_STOPPED = 1000
const PATIENCE_CLIENT = 5000
const MAX_STREAMS = 64

export function push(target: Target, options: PushOptions): Push {
  const { interval, tool } = options
  const start = allocate(SIZE + LINE_ROOM)
  const kinds = new Map<number, ControlKind>((['stream', 'clock', 'end'] as const).map((kind) => [idOf(kind), kind]))
  const streams = new Map<string, Members>()
  let dialect: Dialect = json
  let end = start
  let count = 0
  let total = 0
  let begun = false
  let clocked = false
  let last: Members = {}
  const stop = stopSign()
  // what is gathered: its first and last times (row words), and its src where it is one
  const times = { has: 0, firstHigh: 0, firstLow: 0, lastHigh: 0, lastLow: 0, unit: 0 }
  let src = -1

  const outlet = outletOf(target, { ...options, dialect: () => dialect, streams: known, stopped: () => stop.given })
  outlet.opened.catch(() => {})
  const timer = setInterval(tick, interval || CLOCK_MS)

  /** For a client that comes now. Before anything was sent it is not known whether that will be text. */
  function known(): Iterable<Members> {
    if (!begun) return []
    return streams.size > 0 ? streams.values() : [{ version: 1, tool }]
  }

  function begin(): void {
    if (begun) return
    begun = true
    outlet.control({ kind: 'stream', members: { version: 1, tool } })
  }

  function seal(): void {
    if (end === start) return
    begin()
    const { has, firstHigh, firstLow, lastHigh, lastLow, unit } = times
    const time = (high: number, low: number) => (has ? timeText(high, low, unit) : undefined)
    outlet.chunk({
      bytes: Buffer.from(bytes.subarray(start, end)),
      lines: count,
      first: time(firstHigh, firstLow),
      last: time(lastHigh, lastLow),
      src: src > 0 ? nameOf(src) : undefined,
    })
    total += count
    count = 0
    end = start
    times.has = 0
    src = -1
  }

  function tick(): void {
    try {
      // while the receiver is slow or absent, nothing is added
      if (!outlet.idle || (!begun && end === start)) return
      seal()
      if (!clocked) control('clock', { wall: wall() })
      clocked = false
    } catch (error) {
      clearInterval(timer)
      options.failed(error as Error)
    }
  }

  function control(kind: ControlKind, members: Members): void {
    seal()
    if (kind === 'end') {
      last = members
      return
    }
    if (kind === 'stream') {
      const stream = { version: 1, ...members, tool }
      if (streams.size < MAX_STREAMS) streams.set(`${members.src} ${members.unit}`, stream)
      begun = true
      outlet.control({ kind, members: stream })
      return
    }
    begin()
    clocked = true
    outlet.control({ kind, members })
  }

  function added(lines: number): void {
    bytes[end++] = 10
    count += lines
    if (end - start >= SIZE) seal()
  }

  function note(row: number): void {
    const of = words[row + SRC] as number
    if (src === -1) src = of
    else if (src !== of) src = 0
    const unit = (words[row + HAS] as number) & (HAS_TS | HAS_TSC)
    if (!unit) return
    times.lastHigh = words[row + TIME + 1] as number
    times.lastLow = words[row + TIME] as number
    times.unit = unit
    if (times.has) return
    times.has = 1
    times.firstHigh = times.lastHigh
    times.firstLow = times.lastLow
  }

  function takeText(row: number): void {
    dialect = text
    const from = words[row + LINE] as number
    const to = words[row + LINE_END] as number
    const own = latin1(from, Math.min(to, from + 9)) === '# vmpipe '
    const comment = own ? parseComment(utf8(from, to)) : undefined
    if (comment && comment.kind !== 'lost') {
      control(comment.kind, comment.members)
      return
    }
    end = scanner.copy(end, from, to)
    added(own ? 0 : 1)
  }

  return {
    take(record) {
      const { row } = record
      const own = words[row + OWN] as number
      if (own === TEXT_LINE || own === TEXT_CONTROL || ((words[row + HAS] as number) & HAS_BROKEN) !== 0) {
        takeText(row)
        return
      }
      const type = words[row + TYPE] as number
      const kind = type === 0 ? undefined : kinds.get(type)
      if (kind) {
        control(kind, membersOf(record))
        return
      }
      note(row)
      const line = words[row + LINE] as number
      if (line !== 0) end = scanner.copy(end, line, words[row + LINE_END] as number)
      else if (record.renderer) end = record.renderer.render(row, end)
      added(1)
    },
    lines(from, to, lines) {
      if (to - from > SIZE + LINE_ROOM - (end - start)) seal()
      end = scanner.copy(end, from, to) - 1
      added(lines)
    },
    control,
    flush: seal,
    ready() {
      if (interval === 0) seal()
      if (stop.given) return undefined
      const waits = outlet.ready()
      return waits && stop.or(waits)
    },
    stop: stop.give,
    async close() {
      clearInterval(timer)
      if (!stop.given) await stop.or(outlet.opened)
      seal()
      begin()
      outlet.control({ kind: 'end', members: last })
      const unsent = await outlet.close(
        outlet.single || stop.given
          ? { after: stop.or(new Promise(() => {})), ms: PATIENCE_STOPPED }
          : { after: Promise.resolve(), ms: PATIENCE_CLIENT },
      )
      return { lines: total, unsent, text: outlet.account() }
    },
  }
}

/** Everything into one partition of a stream that is there. */
const ONE: NatsPush = {
  partitions: 1,
  key: null,
  stream: { create: false, size: 0, keep: 0, replicas: 1 },
  resume: false,
}

interface Making extends OutletOptions, Pick<PushOptions, 'bound' | 'wait' | 'tool' | 'nats'> {
  streams(): Iterable<Members>
  stopped(): boolean
}

function outletOf(target: Target, making: Making): Outlet {
  const { name } = target
  if (target.kind === 'nats') return natsOutlet(target, { ...making, nats: making.nats ?? ONE })
  if (target.kind === 'standard') return single(Promise.resolve(standardChannel()), making)
  if (target.kind === 'unix') return broadcast(name, { path: target.path }, making)
  if (target.kind === 'tcp') {
    const { host, port, listen } = target
    if (listen) return broadcast(name, { host, port }, making)
    return single(connectionChannel(name, { host, port }, making), making)
  }
  if (kindOf(target.path) === 'socket') return broadcast(name, { path: target.path }, making)
  return single(pathChannel(target.path, making), making)
}

function timeText(high: number, low: number, unit: number): string {
  const time = wide(high, low)
  return (unit & HAS_TSC ? BigInt.asUintN(64, time) : time).toString()
}

/** All members but the type. */
function membersOf(record: RecordView): Members {
  const { type: _, ...members } = record.members
  return members
}
