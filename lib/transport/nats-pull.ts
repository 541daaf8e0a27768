/**
 * Pulling from a stream of NATS JetStream: messages, in order, each acknowledged once what came of it has been written.
 *
 * A worker that dies leaves its consumer (nats-consumer.ts) behind; the next one goes on there. With the output at hand
 * (`output`) nothing is written twice (nats-resume.ts), and starts that were open are found again (nats-replay.ts).
 *
 * Why they are read again, and not kept as a snapshot in the server: the events are in the stream anyway, in order, and
 * pairing is a function of them. A snapshot would be a second copy of the state, with a format of its own, written for
 * each batch (up to `pair --max-open` starts a node) and in one step with the output, which no store of the server
 * can do: it is the output that says what has been written.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Context } from '../cli/tool.js'
import type { Out } from '../wire/output.js'
import { backOff } from './connection.js'
import type { NatsTarget } from './nats-address.js'
import type { Client } from './nats-connect.js'
import { type Place, type Reading, takeOver, unread } from './nats-consumer.js'
import { type Counts, natsIntake } from './nats-intake.js'
import { failure, openReading, passes, watch } from './nats-reading.js'
import { behind, replay, reread } from './nats-replay.js'
import { markText, meets, resume } from './nats-resume.js'
import { limitsText } from './nats-stream.js'

export interface NatsPullOptions {
  /** Wait for a server that is not there, and for messages. */
  retry: boolean
  /** Go on after every publisher's `end`. */
  follow: boolean
  worker: string
  place: Place | null
  /** The file that the output is appended to, and that tells how far it goes. */
  output: string | undefined
  /** ms that are read again at most, for what is open. */
  replay: number
  tool: string
  quiet: boolean
}

/** Messages asked for at once, and acknowledged together at most. */
const BATCH = 32

export async function pullNats(
  target: NatsTarget,
  options: NatsPullOptions,
  context: Context,
  out: Out,
): Promise<Counts & { reconnects: number }> {
  const { output, retry, quiet } = options
  const pause = backOff(100)
  let taken = natsIntake(target.name, context, out)
  let stopped = false
  let halt: () => void = () => {}
  let reconnects = 0
  /** The last message that was taken. */
  let done = 0
  let base: Counts | null = null
  context.onStop(() => {
    stopped = true
    halt()
  })

  /** Once for each time that the server is away. */
  let away = false

  function goneFor(why: string): void {
    if (!away) context.warn(`${why}; waiting`)
    away = true
  }

  function back(): void {
    if (away) context.warn(`stream ${target.stream}: goes on`)
    away = false
    pause.reset()
  }

  async function open(): Promise<Reading | null> {
    while (!stopped) {
      try {
        return await openReading(target, options.tool, options.worker, options.place)
      } catch (error) {
        const passing = (error as NodeJS.ErrnoException).code !== undefined
        if (!passing || !retry) throw error
        goneFor((error as Error).message)
        await sleep(pause.next())
      }
    }
    return null
  }

  /** All that came of messages up to `done` goes out, with its mark. */
  function writeOut({ durable, id }: Reading): void {
    if (output !== undefined) out.write(markText(durable, id, done))
    out.flush()
  }

  /** Writes and acknowledges; the last acknowledgement is confirmed, and with it that the others have come. */
  async function settle(batch: Client.JsMsg[], reading: Reading): Promise<void> {
    const last = batch.pop()
    if (!last) return
    writeOut(reading)
    for (const message of batch) message.ack()
    batch.length = 0
    if (!(await last.ackAck({ timeout: 5000 }))) throw new Error('timeout')
  }

  /** What a worker before this one leaves: how far it wrote, its open starts, and what is gone that nobody has read. */
  async function begin(reading: Reading, floor: number): Promise<void> {
    const { stream, durable, id } = reading
    taken = natsIntake(target.name, context, out)
    const mark = output === undefined ? undefined : resume(output, durable, id)
    if (output !== undefined) await meets(reading, output, mark?.seq ?? 0, floor)
    done = Math.max(mark?.seq ?? 0, floor)
    if (mark && (mark.since < mark.seq || mark.members.accounts !== undefined)) {
      const { messages, whole } = await replay(reading, mark, options.replay, taken, out)
      if (!quiet && messages > 0) context.warn(`${durable}: ${messages} messages read again, for what was open`)
      if (!whole) context.warn(`${durable}: what was open before them is given up, as lost (--replay)`)
    }
    if (!mark) writeOut(reading)
    base = taken.counts()
    const { state } = await stream.manager.streams.info(target.stream)
    if (done === 0 || state.first_seq <= done + 1) return
    context.warn(`stream ${target.stream}: has let messages go that nobody had read`)
    taken.unread(out)
  }

  /** What was given out to who is gone comes again some time, among newer messages: in order it is in the stream. */
  async function catchUp(reading: Reading, given: number): Promise<void> {
    if (given <= done) return
    if (!quiet) context.warn(`${reading.durable}: what was not acknowledged is read from the stream`)
    await reread(reading, behind(reading.nats, done), given, async (message, last) => {
      const waits = context.ready?.()
      if (waits) await waits
      taken.message(message)
      done = message.seq
      if (last) writeOut(reading)
    })
    done = Math.max(done, given)
    writeOut(reading)
  }

  /** Until it is over, stopped, or the connection or the order breaks. Answers whether there is to be more. */
  async function follow(reading: Reading): Promise<boolean> {
    const { nats, stream, durable } = reading
    const over = () => !retry || (!options.follow && taken.ended)
    const consumer = await nats.client.jetstream(nats.connection).consumers.get(target.stream, durable)
    const messages = await consumer.consume({ max_messages: BATCH, abort_on_missing_resource: true })
    halt = () => messages.stop()
    const watching = watch(reading, halt)
    const batch: Client.JsMsg[] = []
    let delivery = 0
    try {
      for await (const message of messages) {
        const { deliverySequence, pending } = message.info
        // another one got what is missing, or the connection lost it
        if (watching.broken || stopped || (delivery > 0 && deliverySequence !== delivery + 1)) break
        delivery = deliverySequence
        const waits = context.ready?.()
        if (waits) await waits
        // what comes again has been taken
        if (message.seq > done) taken.message(message)
        done = Math.max(done, message.seq)
        batch.push(message)
        if (batch.length >= BATCH || pending === 0 || messages.getPending() === 0) await settle(batch, reading)
        // the server's `pending` leaves out what comes again
        if (pending === 0 && over() && (await unread(stream, target, durable)) === 0) return false
      }
      if (watching.broken && !stopped) goneFor(`${target.name}: the server is gone`)
      await settle(batch, reading)
    } finally {
      watching.end()
      messages.stop()
    }
    return !stopped
  }

  const reading = await open()
  if (!reading) return { ...taken.counts(), reconnects }
  if (!quiet) context.warn(`stream ${target.stream}: ${limitsText(reading.stream)}`)
  const waiting = { wait: retry, say: context.warn, stopped: () => stopped }
  try {
    for (let more = true; more && !stopped; ) {
      try {
        const { floor, given, left } = await takeOver(reading, waiting)
        if (stopped) break
        back()
        if (!base) await begin(reading, floor)
        await catchUp(reading, given)
        more = (left > 0 || retry) && (await follow(reading))
      } catch (error) {
        if (!passes(error, reading) || !retry) throw failure(target, error)
        goneFor(failure(target, error).message)
        await sleep(pause.next())
      }
      if (more && !stopped) reconnects++
    }
  } finally {
    await reading.nats.connection.close().catch(() => {})
  }
  if (taken.doubted)
    context.problem(
      `${target.name}: a sender said it had sent fewer lines than had come; its counts cannot be believed`,
    )
  return { ...since(taken.counts(), base), reconnects }
}

/** What a replay counted has been counted before. */
function since(counts: Counts, base: Counts | null): Counts {
  if (!base) return counts
  const { records, lost, unknown, before } = counts
  return {
    ...counts,
    records: records - base.records,
    lost: lost - base.lost,
    unknown: unknown - base.unknown,
    before: base.records > 0 ? 0 : before,
  }
}
