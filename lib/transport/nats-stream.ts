/**
 * The stream of a deployment: asked for its limits, made where it is wanted, refused where it would lose silently.
 *
 * What vmpipe makes keeps each message for a time, acknowledged or not (retention `limits`), so that several can read
 * it and a worker can read again what came before its place. When it is full it takes no more (discard `new`): whoever
 * publishes waits, and whoever captures counts what its own buffer loses. A stream that discards its oldest messages
 * instead would lose what nobody has read yet.
 */
import { TransportError } from './failure.js'
import { type NatsTarget, prefixOf } from './nats-address.js'
import { type Client, type Nats, natsError } from './nats-connect.js'

export interface StreamOptions {
  create: boolean
  /** Bytes, ms, copies: of a stream that is made. */
  size: number
  keep: number
  replicas: number
}

export interface Stream {
  manager: Client.JetStreamManager
  info: Client.StreamInfo
  /** Bytes of one message at most. */
  payload: number
}

/** What a message holds at most: several of them wait in who reads. */
const MESSAGE = 1 << 18
/** For the headers of a message. */
const HEADERS = 512
const DUPLICATES_S = 120
const NOT_FOUND = 10059

export async function openStream(nats: Nats, target: NatsTarget, options?: StreamOptions): Promise<Stream> {
  const { client, connection } = nats
  try {
    const manager = await client.jetstreamManager(connection)
    const info = await manager.streams.info(target.stream).catch((error) => {
      if (!options?.create || error.code !== NOT_FOUND) throw error
      return manager.streams.add(configOf(nats, target, options))
    })
    refuse(target, info.config)
    const { max_msg_size } = info.config
    const most = Math.min(connection.info?.max_payload ?? MESSAGE, max_msg_size > 0 ? max_msg_size : MESSAGE)
    return { manager, info, payload: Math.min(most - HEADERS, MESSAGE) }
  } catch (error) {
    throw natsError(target, error)
  }
}

function configOf({ client }: Nats, { stream, subject }: NatsTarget, { size, keep, replicas }: StreamOptions) {
  return {
    name: stream,
    subjects: [`${prefixOf(subject)}.>`],
    storage: client.StorageType.File,
    retention: client.RetentionPolicy.Limits,
    discard: client.DiscardPolicy.New,
    max_bytes: size,
    max_age: keep * 1e6,
    num_replicas: replicas,
    duplicate_window: Math.min(DUPLICATES_S * 1e9, keep * 1e6),
  }
}

/** Throws where the stream is another one than vmpipe can use. */
function refuse({ name, stream, subject }: NatsTarget, config: Client.StreamInfo['config']): void {
  const no = (what: string) => {
    throw new TransportError(`${name}: stream ${stream} ${what}`)
  }
  const { subjects = [], discard, max_bytes, max_msgs, no_ack, sealed, max_msgs_per_subject, retention } = config
  if (subject !== '' && !subjects.some((of) => covers(of, `${subject}.1of1`)))
    no(`does not take ${subject}.*; it has ${subjects.join(', ') || 'no subjects of its own'}`)
  if (discard !== 'new' && (max_bytes > 0 || max_msgs > 0))
    no('discards its oldest messages when it is full, read or not; it must refuse new ones (discard new)')
  if (retention !== 'limits')
    no(`forgets messages once they are read (${retention}); a worker that takes over reads them again (limits)`)
  if (max_msgs_per_subject > 0) no('keeps only so many messages a subject; it must keep all')
  if (no_ack) no('does not acknowledge what it stores')
  if (sealed) no('is sealed')
}

/** NATS's wildcards: `*` is one token, `>` one or more at the end. */
function covers(pattern: string, subject: string): boolean {
  const of = pattern.split('.')
  const tokens = subject.split('.')
  const tail = of.at(-1) === '>'
  if (tail ? tokens.length < of.length : tokens.length !== of.length) return false
  return of.every((token, i) => token === '>' || token === '*' || token === tokens[i])
}

/** `1 copy on disk, at most 1 GiB, kept 24 h; refuses more when full; repeats known for 120 s; messages of 256 KiB`. */
export function limitsText({ info: { config }, payload }: Stream): string {
  const { num_replicas: copies, storage, max_bytes, max_age, retention, duplicate_window } = config
  const size = max_bytes > 0 ? `at most ${(max_bytes / 2 ** 20).toFixed(0)} MiB` : 'no limit of size'
  const age = max_age > 0 ? `for ${max_age / 1e9} s` : 'for ever'
  const until =
    retention === 'workqueue' ? ', until acknowledged' : retention === 'interest' ? ', until all readers have it' : ''
  return (
    `${copies} ${copies === 1 ? 'copy' : 'copies'} ${storage === 'file' ? 'on disk' : 'in memory'}, ${size}, ${age}${until}; ` +
    `repeats known for ${duplicate_window / 1e9} s; messages of ${(payload / 1024).toFixed(0)} KiB`
  )
}
