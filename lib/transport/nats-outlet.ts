/**
 * An outlet to a stream of NATS JetStream: lines in batches, each stored once, in order, under this publisher's subject.
 *
 * A server that is gone, or a stream that is full, is waited for: nothing more is read then (outlet.ts), and who
 * captures counts what its own buffer loses. What no waiting mends ends the run.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { backOff } from './connection.js'
import { TransportError } from './failure.js'
import { type NatsTarget, nodeOf } from './nats-address.js'
import { connectNats, type Nats } from './nats-connect.js'
import { type Lane, lane } from './nats-lane.js'
import { dealer, type PartitionKey, samePartitions } from './nats-partition.js'
import { publisher } from './nats-publish.js'
import { limitsText, openStream, type Stream, type StreamOptions } from './nats-stream.js'
import { FULL, type Outlet, type OutletOptions } from './outlet.js'
import { patiently } from './patience.js'
import { text } from './session.js'

export interface NatsPush {
  partitions: number
  /** By what lines are dealt out; null: all go to the one partition. */
  key: PartitionKey | null
  stream: StreamOptions
  /** The input begins anew where its predecessor's did: what is stored of it is left out. */
  resume: boolean
}

interface NatsOutletOptions extends OutletOptions {
  wait: boolean
  tool: string
  nats: NatsPush
  stopped(): boolean
}

export function natsOutlet(target: NatsTarget, options: NatsOutletOptions): Outlet {
  const { dialect, failed, nats } = options
  const deal = nats.key && dealer(nats.partitions, nats.key, nodeOf(target.subject))
  const lanes = Array.from({ length: nats.partitions }, () => lane(dialect, settle, fail))
  let broken: Error | null = null
  let open: Nats | null = null
  let progress = 0
  let unasked: NodeJS.Immediate | undefined
  let waiters: { when(): boolean; resolve(): void; reject(error: Error): void }[] = []

  const opened = begin()
  opened.catch((error) => {
    broken = error
  })

  async function begin(): Promise<void> {
    const { connection, stream } = await connecting(target, options)
    for (const [k, one] of lanes.entries()) {
      const subject = `${target.subject}.${k + 1}of${nats.partitions}`
      const { publish, before } = await publisher(connection, target, stream, subject, options.say)
      one.open(publish, stream.payload, nats.resume ? before : null)
    }
    open = connection
  }

  const total = (of: 'waiting' | 'unstored' | 'known' | 'missing') => lanes.reduce((sum, one) => sum + one[of], 0)
  const waiting = () => total('waiting')

  function settle(): void {
    progress++
    waiters = waiters.filter(({ when, resolve }) => {
      if (!when()) return true
      resolve()
      return false
    })
  }

  /** Whoever waits is told; if nobody does, nor asks next, `failed` is called. */
  function fail(error: Error): void {
    broken ??= error
    for (const { reject } of waiters) reject(error)
    if (waiters.length === 0) unasked = setImmediate(() => failed(error))
    waiters = []
  }

  function until(when: () => boolean): Promise<void> {
    clearImmediate(unasked)
    if (broken) return Promise.reject(broken)
    return new Promise((resolve, reject) => waiters.push({ when, resolve, reject }))
  }

  async function drained(): Promise<void> {
    await opened
    if (broken || waiting() > 0) await until(() => waiting() === 0)
  }

  return {
    opened,
    single: true,
    get idle() {
      return open !== null && waiting() === 0
    },
    chunk(chunk) {
      if (dialect() === text) throw new TransportError(`${target.name}: takes records; parse makes them of text`)
      const parts = deal ? deal(chunk) : [chunk]
      parts.forEach(({ bytes, lines }, k) => {
        ;(lanes[k] as Lane).chunk(bytes, lines)
      })
    },
    control(control) {
      for (const one of lanes) one.control(control)
    },
    ready() {
      if (broken) return until(() => true)
      if (!open) return opened
      return waiting() > FULL * lanes.length ? until(() => waiting() <= FULL * lanes.length) : undefined
    },
    async close(patience) {
      try {
        await patiently(drained(), patience, () => progress)
      } finally {
        await open?.connection.close().catch(() => {})
      }
      const missing = total('missing')
      if (missing > 0 && !options.stopped())
        throw new TransportError(
          `${target.name}: ${missing} lines are stored that did not come: --resume wants the same input from its beginning`,
        )
      return total('unstored')
    },
    account: () => (nats.resume ? `, ${total('known')} of them stored before` : ''),
  }
}

/** Connects and asks for the stream; with --wait again and again while nobody is there. */
async function connecting(
  target: NatsTarget,
  options: NatsOutletOptions,
): Promise<{ connection: Nats; stream: Stream }> {
  const pause = backOff(100)
  for (let said = false; ; said = true) {
    try {
      const connection = await connectNats(target, options.tool)
      try {
        const stream = await openStream(connection, target, options.nats.stream)
        await samePartitions(stream, target, options.nats.partitions)
        options.say(`stream ${target.stream}: ${limitsText(stream)}`)
        return { connection, stream }
      } catch (error) {
        await connection.connection.close()
        throw error
      }
    } catch (error) {
      const passing = (error as NodeJS.ErrnoException).code !== undefined
      if (!options.wait || !passing || options.stopped()) throw error
      if (!said) options.say(`${(error as Error).message}; waiting`)
      await sleep(pause.next())
    }
  }
}
