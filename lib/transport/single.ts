/**
 * An outlet with one receiver: a queue of bytes before a channel that takes some of them when it can.
 */
import { type Chunk, FULL, type Outlet, type OutletOptions } from './outlet.js'
import { patiently } from './patience.js'
import { type Control, session } from './session.js'

export interface Channel {
  /** Takes some of the bytes, answers how many; 0: none now, `wake` is called when it is worth another try. */
  write(bytes: Buffer, wake: () => void): number
  /** Resolves once what was taken is out of this process. */
  close(): Promise<void> | void
}

export function single(opening: Promise<Channel>, { dialect, failed }: OutletOptions): Outlet {
  const own = session(dialect)
  const queue: { bytes: Buffer; counted: boolean }[] = []
  let waiting = 0
  let channel: Channel | null = null
  let broken: Error | null = null
  let unasked: NodeJS.Immediate | undefined
  /** Counts what the channel has taken, so that who waits can see progress. */
  let taken = 0
  let waiters: { when(): boolean; resolve(): void; reject(error: Error): void }[] = []

  const opened = opening.then((open) => {
    channel = open
    pump()
  })
  // whoever asks `ready` is told
  opened.catch((error) => {
    broken = error
  })

  function pump(): void {
    if (!channel || broken) return
    try {
      for (let head = queue[0]; head; head = queue[0]) {
        const n = channel.write(head.bytes, pump)
        if (n === 0) break
        waiting -= n
        taken += n
        head.bytes = head.bytes.subarray(n)
        if (head.bytes.length === 0) queue.shift()
      }
    } catch (error) {
      fail(error as Error)
    }
    waiters = waiters.filter(({ when, resolve }) => {
      if (!when()) return true
      resolve()
      return false
    })
  }

  /** Whoever waits is told; if nobody does, nor asks next, `failed` is called. */
  function fail(error: Error): void {
    broken = error
    queue.length = 0
    for (const { reject } of waiters) reject(error)
    if (waiters.length === 0) unasked = setImmediate(() => failed(error))
    waiters = []
  }

  function refusal(error: Error): Promise<never> {
    clearImmediate(unasked)
    return Promise.reject(error)
  }

  function until(when: () => boolean): Promise<void> {
    if (broken) return refusal(broken)
    return new Promise((resolve, reject) => waiters.push({ when, resolve, reject }))
  }

  function put(bytes: Buffer, counted: boolean): void {
    if (broken) return
    queue.push({ bytes, counted })
    waiting += bytes.length
    pump()
  }

  /** All is out, and the channel closed. */
  async function drained(): Promise<void> {
    await opened
    if (broken) return refusal(broken)
    if (waiting > 0) await until(() => waiting === 0)
    await channel?.close()
  }

  return {
    opened,
    single: true,
    get idle() {
      return channel !== null && waiting === 0
    },
    chunk({ bytes, lines }: Chunk) {
      own.lines(lines)
      put(bytes, true)
    },
    control({ kind, members }: Control) {
      put(Buffer.from(`${own.control(kind, members)}\n`), false)
    },
    ready() {
      if (broken) return refusal(broken)
      if (!channel) return opened
      return waiting > FULL ? until(() => waiting <= FULL) : undefined
    },
    async close(patience) {
      await patiently(drained(), patience, () => taken)
      return queue.reduce((lines, { bytes, counted }) => lines + (counted ? newlines(bytes) : 0), 0)
    },
    account: () => '',
  }
}

function newlines(bytes: Buffer): number {
  let n = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) n++
  return n
}
