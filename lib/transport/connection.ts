/** A channel that is a connection: TCP or a unix socket. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Waiting } from './descriptor.js'
import { TransportError, transportError } from './failure.js'
import type { Channel } from './single.js'

export type Address = { host: string; port: number } | { path: string }

export const FIRST_TRY_MS = 100
const LAST_TRY_MS = 2000
/** A peer that is gone without a word is noticed after about this and the kernel's probes. */
const KEEP_ALIVE_MS = 10_000

/** Times between tries, in ms: from `first` doubling to 2 s. */
export function backOff(first: number): { next(): number; reset(): void } {
  let delay = first
  return {
    next() {
      const now = delay
      delay = Math.min(2 * delay, LAST_TRY_MS)
      return now
    },
    reset() {
      delay = first
    },
  }
}

/** A connected socket; rejects with what the system says. */
export function connected(address: Address): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(address)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      socket.setNoDelay(true)
      if ('port' in address) socket.setKeepAlive(true, KEEP_ALIVE_MS)
      resolve(socket)
    })
  })
}

export async function connectionChannel(name: string, address: Address, waiting: Waiting): Promise<Channel> {
  const pause = backOff(FIRST_TRY_MS)
  let said = false
  while (true) {
    try {
      return socketChannel(name, await connected(address))
    } catch (error) {
      const failure = transportError(name, error)
      if (!waiting.wait || waiting.stopped()) throw failure
      if (!said) waiting.say(`${failure.message}; waiting`)
      said = true
      await sleep(pause.next())
    }
  }
}

function socketChannel(name: string, socket: Socket): Channel {
  let wakeUp: () => void = () => {}
  let failure: Error | null = null
  const over = (error: Error) => {
    failure ??= error
    wakeUp()
  }
  socket.resume()
  socket.on('error', (error) => over(transportError(name, error)))
  socket.on('close', () => over(new TransportError(`${name}: the other side closed the connection`)))
  socket.on('drain', () => wakeUp())
  return {
    write(bytes, wake) {
      wakeUp = wake
      if (failure) throw failure
      if (socket.writableLength > 0) return 0
      socket.write(bytes)
      return bytes.length
    },
    close() {
      wakeUp = () => {}
      return flushed(socket)
    },
  }
}

/** Resolves once the kernel has all that was written, or the connection is gone. */
export function flushed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
    if (socket.destroyed) resolve()
    else socket.end(() => resolve())
  })
}
