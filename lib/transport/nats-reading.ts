/** A connection to read from, with the place of a worker in the stream; what breaks it, and what of that may pass. */
import { ClosedPipe } from '../wire/output.js'
import { TransportError } from './failure.js'
import type { NatsTarget } from './nats-address.js'
import { connectNats, natsError } from './nats-connect.js'
import { openConsumer, type Place, type Reading } from './nats-consumer.js'
import { openStream } from './nats-stream.js'

export async function openReading(
  target: NatsTarget,
  tool: string,
  worker: string,
  place: Place | null,
): Promise<Reading> {
  const nats = await connectNats(target, tool)
  try {
    const stream = await openStream(nats, target)
    const id = `${target.stream} ${stream.info.created}`
    return { target, nats, stream, id, ...(await openConsumer(nats, target, stream, worker, place)) }
  } catch (error) {
    await nats.connection.close()
    throw error
  }
}

/** What a server says that is gone, restarts, or has no leader. */
export function passes(error: unknown, { nats: { connection, client } }: Reading): boolean {
  if (connection.isClosed() || error instanceof TransportError) return false
  const { name, message, status } = error as Error & { status?: number }
  if (error instanceof client.JetStreamApiError) return (status ?? 0) >= 500
  return /timeout|no responders|disconnect|not enabled|heartbeats/i.test(`${name} ${message}`)
}

/** In a line; what is a mistake of ours, or of the output, as it is. */
export function failure(target: NatsTarget, error: unknown): Error {
  const { code } = error as { code?: unknown }
  const ours = error instanceof TypeError || error instanceof RangeError || error instanceof ClosedPipe
  return ours || (typeof code === 'string' && code.startsWith('E') && 'syscall' in (error as object))
    ? (error as Error)
    : natsError(target, error)
}

/** Ends the reading when the connection breaks. */
export function watch({ nats: { connection } }: Reading, halt: () => void): { readonly broken: boolean; end(): void } {
  const state = { broken: false, over: false, end: () => {} }
  const statuses = connection.status()[Symbol.asyncIterator]()
  void (async () => {
    for (let next = await statuses.next(); !next.done && !state.over; next = await statuses.next()) {
      if (next.value.type !== 'disconnect') continue
      state.broken = true
      halt()
    }
  })()
  state.end = () => {
    state.over = true
    void statuses.return?.()
  }
  return state
}
