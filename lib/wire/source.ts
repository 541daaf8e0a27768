/**
 * Sources: where bytes come from. A file is read at once and in large pieces; a pipe, terminal or socket
 * through the event loop, so that signals and timers run while nothing arrives. gzip is undone on the way.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { isatty, ReadStream } from 'node:tty'
import { createGunzip } from 'node:zlib'
import { allocate, bytes, release } from './memory.js'

export interface Source {
  /** How the user named it; `stdin` for `-`. */
  readonly name: string
  /** It may stay silent for a while: what was read must not wait for more. */
  readonly live: boolean
  /** Reads at most `max` bytes (64 KiB or more) to address `to`. 0 at the end. Throws what the system says. */
  read(to: number, max: number): number | Promise<number>
  /** The read that waits, and all later ones, answer 0. */
  stop(): void
  close(): void
  /** How far a file has been read; a pipe has no end that is known. */
  readonly meter?: Meter | undefined
}

/** Bytes of a file as it lies there, compressed or not. */
export interface Meter {
  readonly size: number
  done: number
}

/** A read from a pipe or socket brings at most this much: the pipe's own capacity. */
export const PIPE_READ = 1 << 16

/** Opens a file, a FIFO, a device, or `-` for standard input. Throws what the system says. */
export function openSource(path: string): Source {
  const name = path === '-' ? 'stdin' : path
  const fd = descriptor(path)
  const stat = fstatSync(fd)
  if (stat.isDirectory()) throw Object.assign(new Error('is a directory'), { code: 'EISDIR' })
  const source = isatty(fd)
    ? streamSource(name, new ReadStream(fd))
    : stat.isFIFO() || stat.isSocket()
      ? pipeSource(name, fd)
      : fileSource(name, fd, stat.isFile() ? { size: stat.size, done: 0 } : undefined)
  return gunzipped(source)
}

/** What bash puts for `<(…)` is a descriptor that is open already. */
function descriptor(path: string): number {
  if (isOpen(path)) return Number(/\d+$/.exec(path)?.[0] ?? 0)
  // a FIFO that nobody writes to yet would block the process, signals and all; it is not at its end either (pipe_poll)
  const fifo = statSync(path, { throwIfNoEntry: false })?.isFIFO()
  return openSync(path, fifo ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY)
}

function isOpen(path: string): boolean {
  return path === '-' || path === '/dev/stdin' || /^\/(?:dev|proc\/self)\/fd\/\d+$/.test(path)
}

/** A regular file that can be read at any place; undefined where the path is none. Throws what the system says. */
export function openRegular(path: string): { fd: number; size: number; close(): void } | undefined {
  const fd = descriptor(path)
  const close = () => {
    if (!isOpen(path)) closeSync(fd)
  }
  const stat = fstatSync(fd)
  if (stat.isFile()) return { fd, size: stat.size, close }
  close()
  return undefined
}

function fileSource(name: string, fd: number, meter: Meter | undefined): Source {
  let stopped = false
  return {
    name,
    live: false,
    read(to, max) {
      const n = stopped ? 0 : readSync(fd, bytes, to, max, null)
      if (meter) meter.done += n
      return n
    },
    stop() {
      stopped = true
    },
    close: () => closeSync(fd),
    meter,
  }
}

/** One 64 KiB buffer of its own, refilled as soon as it was taken. */
function pipeSource(name: string, fd: number): Source {
  const piece = Buffer.allocUnsafeSlow(PIPE_READ)
  const inbox = mailbox()
  const socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer: piece,
      callback(length: number) {
        inbox.put(piece.subarray(0, length))
        return inbox.wanted
      },
    },
  } as ConstructorParameters<typeof Socket>[0])
  socket.on('end', () => inbox.end())
  socket.on('error', (error) => inbox.end(error))
  return {
    name,
    live: true,
    read(to, max) {
      const result = inbox.take(to, max)
      if (inbox.empty) socket.resume()
      return result
    },
    stop: () => inbox.end(),
    close: () => socket.destroy(),
  }
}

/** A stream of Node, such as a connected socket. */
export function streamSource(name: string, stream: Readable): Source {
  const inbox = mailbox()
  stream.on('data', (piece: Buffer) => {
    inbox.put(piece)
    if (!inbox.wanted) stream.pause()
  })
  stream.on('end', () => inbox.end())
  stream.on('error', (error) => inbox.end(error))
  return {
    name,
    live: true,
    read(to, max) {
      const result = inbox.take(to, max)
      if (inbox.empty) stream.resume()
      return result
    },
    stop: () => inbox.end(),
    close: () => stream.destroy(),
  }
}

interface Mailbox {
  /** A reader waits for more. */
  readonly wanted: boolean
  readonly empty: boolean
  put(piece: Buffer): void
  end(error?: Error): void
  take(to: number, max: number): number | Promise<number>
}

/** One piece at a time, from callbacks to a reader that may wait for it. */
function mailbox(): Mailbox {
  let held: Buffer | null = null
  let over = false
  let failure: Error | undefined
  let waiting: { to: number; max: number; resolve(n: number): void; reject(e: Error): void } | null = null

  function hand(to: number, max: number): number {
    const piece = held as Buffer
    const n = Math.min(max, piece.length)
    piece.copy(bytes, to, 0, n)
    held = n < piece.length ? piece.subarray(n) : null
    return n
  }

  return {
    get wanted() {
      return waiting !== null
    },
    get empty() {
      return held === null && !over
    },
    put(piece) {
      held = piece
      if (!waiting) return
      const { to, max, resolve } = waiting
      waiting = null
      resolve(hand(to, max))
    },
    end(error) {
      over = true
      failure ??= error
      if (!waiting) return
      const { resolve, reject } = waiting
      waiting = null
      if (failure) reject(failure)
      else resolve(0)
    },
    take(to, max) {
      if (held) return hand(to, max)
      if (failure) return Promise.reject(failure)
      if (over) return 0
      return new Promise((resolve, reject) => {
        waiting = { to, max, resolve, reject }
      })
    },
  }
}

/** Bytes that were read already, and what follows. */
export async function* whole(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  yield* rest
}

/** Looks at the first two bytes (RFC 1952: 1f 8b) and reads on through zlib where they say so. */
function gunzipped(source: Source): Source {
  let inner = source
  let known = false

  async function first(to: number, max: number): Promise<number> {
    let have = await source.read(to, max)
    // one byte alone cannot tell
    while (have === 1 && bytes[to] === 0x1f) {
      const more = await source.read(to + have, max - have)
      if (more === 0) break
      have += more
    }
    known = true
    if (have < 2 || bytes[to] !== 0x1f || bytes[to + 1] !== 0x8b) return have
    inner = streamSource(
      source.name,
      Readable.from(whole(Buffer.from(bytes.subarray(to, to + have)), pieces(source))).pipe(createGunzip()),
    )
    return inner.read(to, max)
  }

  return {
    name: source.name,
    live: source.live,
    read: (to, max) => (known ? inner.read(to, max) : first(to, max)),
    stop: () => inner.stop(),
    close() {
      inner.close()
      if (inner !== source) source.close()
    },
    meter: source.meter,
  }
}

/** What is left of a source, as buffers of their own: for libraries that read streams. */
export async function* pieces(source: Source): AsyncGenerator<Buffer> {
  const room = allocate(PIPE_READ)
  try {
    while (true) {
      const n = await source.read(room, PIPE_READ)
      if (n === 0) return
      yield Buffer.from(bytes.subarray(room, room + n))
    }
  } finally {
    release(room, PIPE_READ)
  }
}
