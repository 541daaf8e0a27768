/**
 * One of several receivers of a broadcast: a session of its own, and a bounded queue of whole chunks of lines.
 *
 * A client that reads too slowly loses lines: once its queue is full, chunks are left out until half of it is
 * free again. Then a `lost` record takes the place of what is missing: how many lines, between the times of the
 * last event before and the first one after. So received lines (without these records) + their counts = all lines.
 */
import type { Socket } from 'node:net'
import { flushed } from './connection.js'
import type { Chunk } from './outlet.js'
import { type Patience, patiently } from './patience.js'
import { type Control, type Dialect, session } from './session.js'

export interface Client {
  /** Lines left out so far. */
  readonly lost: number
  chunk(chunk: Chunk): void
  control(control: Control): void
  /** Sends what is queued, as long as there is patience. Answers how many lines were not sent. */
  close(patience: Patience): Promise<number>
}

interface Item {
  bytes: Buffer
  lines: number
}

interface Gap {
  count: number
  from: string | undefined
  to: string | undefined
  srcs: Set<string | undefined>
}

/** How much is given to the socket at once. */
const PIECE = 1 << 16

export function client(socket: Socket, dialect: () => Dialect, bound: number): Client {
  const own = session(dialect)
  const queue: Item[] = []
  let waiting = 0
  let lost = 0
  let gap: Gap | null = null
  let last: string | undefined
  let written = 0
  let emptied: () => void = () => {}
  socket.on('drain', pump)
  socket.on('close', () => emptied())

  function pump(): void {
    while (socket.writableLength < PIECE && !socket.destroyed) {
      const item = queue.shift()
      if (!item) {
        emptied()
        return
      }
      waiting -= item.bytes.length
      written += item.bytes.length
      socket.write(item.bytes)
    }
  }

  function put(bytes: Buffer, lines: number): void {
    queue.push({ bytes, lines })
    waiting += bytes.length
    pump()
  }

  function leaveOut({ lines, last: to, src }: Chunk): void {
    gap ??= { count: 0, from: last, to: undefined, srcs: new Set() }
    gap.count += lines
    gap.to = to ?? gap.to
    gap.srcs.add(src)
    lost += lines
  }

  /** Says what was left out, before something that is not: `to` is the time of its first event. */
  function closeGap(to: string | undefined): void {
    if (!gap) return
    const [src] = gap.srcs.size === 1 ? gap.srcs : []
    const { count, from } = gap
    const record = { src, count, from, to: to ?? gap.to }
    gap = null
    put(Buffer.from(`${dialect().lost(record)}\n`), 1)
    if (dialect().countsLost) own.lines(1)
  }

  return {
    get lost() {
      return lost
    },
    chunk(chunk) {
      // who has nothing waiting is not slow, however large the chunk
      if (waiting > 0 && waiting + chunk.bytes.length > (gap ? bound / 2 : bound)) {
        leaveOut(chunk)
        return
      }
      closeGap(chunk.first)
      own.lines(chunk.lines)
      last = chunk.last ?? last
      put(chunk.bytes, chunk.lines)
    },
    control({ kind, members }) {
      // who cannot take lines needs no clock; the next one says it all
      if (gap && kind === 'clock' && waiting > bound / 2) return
      closeGap(undefined)
      const totals = kind === 'end' && lost > 0 ? { ...members, lost } : members
      put(Buffer.from(`${own.control(kind, totals)}\n`), 0)
    },
    async close(patience) {
      const drained = new Promise<void>((resolve) => {
        emptied = resolve
        if (socket.destroyed) resolve()
        else pump()
      }).then(() => flushed(socket))
      await patiently(drained, patience, () => written - socket.writableLength)
      // who has left wants no more
      if (socket.destroyed) return 0
      socket.destroy()
      return queue.reduce((lines, item) => lines + item.lines, 0)
    },
  }
}
