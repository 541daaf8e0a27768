/**
 * Reading again what a worker's predecessor had written down: behind `since` of its last mark, up to the mark, so that
 * whoever holds state (pair) has it again. It stands between two records, and is no part of the account.
 *
 *     {"type":"replay","state":"begin",…the members of the mark…,"whole":true}
 *     … what came of messages behind `since`, and up to `seq`; marks between …
 *     {"type":"replay","state":"end","seq":1204}
 *
 * It goes back `ms` at most, by the time at which the server stored the message of the mark, and no further than the
 * stream does. Where that is not as far as `since`, `whole` is false.
 */
import type { Out } from '../wire/output.js'
import { TransportError } from './failure.js'
import type { Client, Nats } from './nats-connect.js'
import type { Reading } from './nats-consumer.js'
import type { NatsIntake } from './nats-intake.js'
import type { Mark } from './nats-resume.js'

/** The messages behind this one. */
export function behind({ client }: Nats, seq: number): object {
  return { deliver_policy: client.DeliverPolicy.StartSequence, opt_start_seq: seq + 1 }
}

const BATCH = 64
const FETCH_MS = 2000
/** Fetches without a message before the mark: the server does not give what it has. */
const IN_VAIN = 10

/** Answers how many messages were read, and whether it went back far enough. */
export async function replay(
  reading: Reading,
  { seq, since, members }: Mark,
  ms: number,
  taken: NatsIntake,
  out: Out,
): Promise<{ messages: number; whole: boolean }> {
  const { start, whole } = since < seq ? await place(reading, seq, since, ms) : { start: undefined, whole: true }
  out.write(JSON.stringify({ ...members, type: 'replay', state: 'begin', whole }))
  const take = (message: Client.JsMsg, endOfBatch: boolean) => {
    taken.message(message)
    if (endOfBatch) out.write(JSON.stringify({ type: 'mark', seq: message.seq }))
  }
  const messages = start ? await reread(reading, start, seq, take) : 0
  out.write(JSON.stringify({ type: 'replay', state: 'end', seq }))
  return { messages, whole }
}

/** Where to begin; undefined where there is nothing to be read again. */
async function place(
  { nats, stream, filter, target }: Reading,
  seq: number,
  since: number,
  ms: number,
): Promise<{ start: object | undefined; whole: boolean }> {
  const { streams } = stream.manager
  const next = { seq: since + 1, next_by_subj: filter }
  const first = await streams.getMessage(target.stream, next)
  const last = await streams.getMessage(target.stream, { seq })
  const { state } = await streams.info(target.stream)
  const oldest = last && first ? last.time.getTime() - ms : 0
  const near = !first || first.time.getTime() >= oldest
  const whole = near && state.first_seq <= since + 1
  if (!first || first.seq > seq) return { start: undefined, whole }
  const { DeliverPolicy } = nats.client
  return near
    ? { start: behind(nats, since), whole }
    : { start: { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(oldest).toISOString() }, whole }
}

/** Messages up to `last`, in order, with a consumer of its own that the server forgets. Answers how many. */
export async function reread(
  { nats, filter, target }: Reading,
  start: object,
  last: number,
  take: (message: Client.JsMsg, endOfBatch: boolean) => void | Promise<void>,
): Promise<number> {
  const js = nats.client.jetstream(nats.connection)
  const consumer = await js.consumers.get(target.stream, { filter_subjects: filter, ...start })
  let messages = 0
  for (let vain = 0; vain < IN_VAIN; vain++) {
    for await (const message of await consumer.fetch({ max_messages: BATCH, expires: FETCH_MS })) {
      if (message.seq > last) return messages
      messages++
      vain = 0
      await take(message, messages % BATCH === 0)
      if (message.seq === last || message.info.pending === 0) return messages
    }
  }
  throw new TransportError(`${target.name}: the server does not give again what it has`)
}
