/**
 * The place of a worker in a stream: a durable pull consumer, whose acknowledgements say how far what was read has
 * been written.
 *
 * Lines of a subject must come in order, so one worker at a time reads with a consumer, and it begins where the one
 * before it ended. What that one had been given and not acknowledged comes again, ACK_WAIT_MS after, and among newer
 * messages: so it is read from the stream first, and is known when it comes (nats-pull.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { TransportError } from './failure.js'
import type { NatsTarget } from './nats-address.js'
import { type Nats, natsError } from './nats-connect.js'
import { samePartitions } from './nats-partition.js'
import type { Stream } from './nats-stream.js'

export interface Place {
  k: number
  of: number
}

/** A connection to read with, and the place of the worker in the stream. */
export interface Reading {
  target: NatsTarget
  nats: Nats
  stream: Stream
  /** Which stream it is: another one of the same name has other messages. */
  id: string
  durable: string
  filter: string
}

/** The server gives a message again that was not acknowledged for so long. */
const ACK_WAIT_MS = 2000
const LOOK_MS = 500
const NOT_FOUND = 10014

/** The subjects that are read: `fleet.*.*.2of4`. */
function filterOf({ name, subject }: NatsTarget, { info }: Stream, place: Place | null): string {
  const tail = place ? `${place.k}of${place.of}` : '*'
  if (subject !== '') return `${subject}.${tail}`
  const [prefix] = (info.config.subjects ?? []).map((of) => /^([^*>]+)\.>$/.exec(of)?.[1]).filter(Boolean)
  if (prefix === undefined) throw new TransportError(`${name}: name the subject, as in fleet.*.*`)
  return `${prefix}.*.*.${tail}`
}

/** Makes the consumer where there is none yet. Answers its name. */
export async function openConsumer(
  { client }: Nats,
  target: NatsTarget,
  stream: Stream,
  worker: string,
  place: Place | null,
): Promise<{ durable: string; filter: string }> {
  const filter = filterOf(target, stream, place)
  const durable = place ? `${worker}-${place.k}of${place.of}` : worker
  const { consumers } = stream.manager
  const config = {
    durable_name: durable,
    filter_subject: filter,
    ack_policy: client.AckPolicy.Explicit,
    deliver_policy: client.DeliverPolicy.All,
    ack_wait: ACK_WAIT_MS * 1e6,
  }
  try {
    if (place) await samePartitions(stream, target, place.of)
    const info = await consumers.info(target.stream, durable).catch((error) => {
      if (error.code !== NOT_FOUND) throw error
      return consumers.add(target.stream, config)
    })
    const { filter_subject, ack_policy, deliver_subject } = info.config
    if (filter_subject !== filter || ack_policy !== config.ack_policy || deliver_subject !== undefined)
      throw new TransportError(
        `${target.name}: consumer ${durable} is another one: it reads ${filter_subject}, not ${filter}; --worker names another`,
      )
    return { durable, filter }
  } catch (error) {
    throw natsError(target, error)
  }
}

/** Messages that have not been acknowledged. */
export async function unread({ manager }: Stream, { stream }: NatsTarget, durable: string): Promise<number> {
  const { num_pending, num_ack_pending } = await manager.consumers.info(stream, durable)
  return num_pending + num_ack_pending
}

/** Waits until nobody else reads. Answers the last message that is acknowledged, and the last that was given out. */
export async function takeOver(
  { stream: { manager }, target: { stream, name }, durable }: Reading,
  { wait, say, stopped }: { wait: boolean; say(text: string): void; stopped(): boolean },
): Promise<{ floor: number; given: number; left: number }> {
  let said = false
  while (true) {
    const info = await manager.consumers.info(stream, durable)
    const { num_waiting, num_ack_pending, num_pending, ack_floor, delivered } = info
    if (stopped() || num_waiting === 0) {
      const given = num_ack_pending > 0 ? delivered.stream_seq : 0
      return { floor: ack_floor.stream_seq, given, left: num_pending + num_ack_pending }
    }
    if (!wait) throw new TransportError(`${name}: another one reads with consumer ${durable}`)
    if (!said) say(`${durable}: another one reads; waiting for its end`)
    said = true
    await sleep(LOOK_MS)
  }
}
