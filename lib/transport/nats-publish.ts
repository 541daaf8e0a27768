/**
 * Publishing under one subject: each message until it is stored, and knowing when that will never be.
 *
 * A server that is gone, restarts or has no leader, and a stream that is full, may pass: it is said once and waited
 * for. A server without room, without JetStream, one that does not let us, or a stream that is no more, do not.
 *
 * Each message names the one that must be the last of the subject (Nats-Expected-Last-Subject-Sequence). So none can be
 * stored twice, however late an answer that was lost is asked for again; and of two that publish under one subject, as
 * one that was killed and what it still had under way, the one that came last has the place, and the other is told.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { backOff } from './connection.js'
import { TransportError } from './failure.js'
import type { NatsTarget } from './nats-address.js'
import { type Client, type Nats, NO_ROOM, natsError, STORE_FAILED } from './nats-connect.js'
import { type Before, LINES, type Publish, SENT, SESSION } from './nats-lane.js'
import type { Stream } from './nats-stream.js'

/** JSStreamWrongLastSequence */
const WRONG_LAST = 10071
const ANSWER_MS = 2000
/** ms for JetStream to come back, on a server that answers: after its restart, or a change of leader. */
const ABSENT_MS = 20_000
/** So long it is nobody's business that a leader changes. */
const QUIET_MS = 1000

interface Last {
  seq: number
  id: string
  before: Before | null
}

export interface Publisher {
  publish: Publish
  /** Whose the last message is, and how many lines of its session are stored. */
  before: Before | null
}

const NONE: Last = { seq: 0, id: '', before: null }

/** Takes the place at the end of the subject, with a message that has nothing in it. */
export async function publisher(
  nats: Nats,
  target: NatsTarget,
  { manager }: Stream,
  subject: string,
  say: (text: string) => void,
): Promise<Publisher> {
  const { client, connection } = nats
  const js = client.jetstream(connection)
  const up = presence(connection)
  const { stream } = target

  async function lastMessage(): Promise<Last> {
    const found = await manager.streams.getMessage(stream, { last_by_subj: subject })
    if (!found) return NONE
    const { seq, header } = found
    const session = header.get(SESSION)
    const lines = Number(header.get(SENT)) + Number(header.get(LINES))
    const before = session !== '' && Number.isSafeInteger(lines) ? { session, lines } : null
    return { seq, id: header.get('Nats-Msg-Id'), before }
  }

  function isFull({ code, message }: Refusal): boolean {
    return code === STORE_FAILED && message.includes('exceeded')
  }

  /** No waiting mends it. */
  function isFinal(error: Refusal, since: number): boolean {
    if (connection.isClosed() || error.name === 'PermissionViolationError' || error instanceof TransportError)
      return true
    if (error instanceof client.JetStreamApiError)
      return !isFull(error) && (error.status < 500 || error.code === NO_ROOM || error.code === STORE_FAILED)
    return Date.now() - Math.max(since, up.since) > ABSENT_MS
  }

  /** Answers what `once` does, when it does. */
  async function patiently<T>(once: () => Promise<T>): Promise<T> {
    const pause = backOff(50)
    const since = Date.now()
    let said = false
    while (true) {
      try {
        const answer = await once()
        if (said) say(`stream ${stream}: goes on`)
        return answer
      } catch (thrown) {
        const error = thrown as Refusal
        if (isFinal(error, since)) throw natsError(target, error)
        const why = isFull(error) ? `stream ${stream} is full` : natsError(target, error).message
        if (!said && (isFull(error) || Date.now() - since > QUIET_MS)) {
          said = true
          say(`${why}; waiting`)
        }
        await sleep(pause.next())
      }
    }
  }

  let last = NONE

  async function send(payload: Buffer, id: string, fields: Record<string, string>): Promise<void> {
    const headers = client.headers()
    for (const [name, value] of Object.entries(fields)) headers.set(name, value)
    const expect = { lastSubjectSequence: last.seq }
    try {
      const { seq } = await js.publish(subject, payload, { msgID: id, headers, expect, timeout: ANSWER_MS, retries: 0 })
      last = { seq, id, before: null }
    } catch (error) {
      if ((error as Refusal).code !== WRONG_LAST) throw error
      const now = await lastMessage()
      // an answer was lost; or the last one has been let go by its age
      if (now.id !== id && now.seq !== 0)
        throw new TransportError(`${target.name}: another one publishes under ${subject}`)
      last = now
      if (now.id !== id) throw Object.assign(new Error('timeout'), { name: 'TimeoutError' })
    }
  }

  /** What another one has under way may still come before this. */
  async function takePlace(): Promise<Before | null> {
    last = await lastMessage()
    const { before } = last
    const fields: Record<string, string> = before
      ? { [SESSION]: before.session, [SENT]: String(before.lines), [LINES]: '0' }
      : {}
    try {
      await send(Buffer.alloc(0), randomBytes(8).toString('hex'), fields)
    } catch (error) {
      if (error instanceof TransportError) return takePlace()
      throw error
    }
    return before
  }

  const before = await patiently(takePlace)
  return { before, publish: (payload, id, fields) => patiently(() => send(payload, id, fields)) }
}

type Refusal = Error & { code?: number; status: number }

/** Since when the server has been there; in the future while it is not. */
function presence(connection: Client.NatsConnection): { readonly since: number } {
  const state = { since: Date.now() }
  void (async () => {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') state.since = Number.POSITIVE_INFINITY
      if (type === 'reconnect') state.since = Date.now()
    }
  })()
  return state
}
