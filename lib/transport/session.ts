/**
 * A session: one stream over one channel, from its first line to its last, and how many lines went before.
 *
 * A channel may swallow what was written to it. So the sender numbers its lines: each `stream`, `clock` and `end`
 * record that goes out says in `sent` how many lines were written before it in this session. Lines of these three
 * types are not counted, neither when sent nor when received; all others are, whatever they hold.
 *
 *     {"type":"stream","version":1,"session":"5d8f…","sent":0}
 *     {"ts":"100","event":"a"}
 *     {"ts":"200","event":"b"}
 *     {"type":"clock","wall":"1700000000000000000","session":"5d8f…","sent":2}
 *
 * A stream of text (trace_pipe, unread) has the same as comments (wire/comment.ts).
 */
import { randomBytes } from 'node:crypto'
import { comment, type Members } from '../wire/comment.js'

export type ControlKind = 'stream' | 'clock' | 'end'

export interface Control {
  kind: ControlKind
  members: Members
}

/** How records that are the transport's own are written: as JSON, or as comments between lines of text. */
export interface Dialect {
  control(kind: ControlKind, members: Members): string
  lost(members: Members): string
  /** A `lost` record is one of the lines that `sent` counts. */
  readonly countsLost: boolean
}

export const json: Dialect = {
  control: (kind, members) => JSON.stringify({ type: kind, ...members }),
  lost: (members) => JSON.stringify({ type: 'lost', ...members }),
  countsLost: true,
}

export const text: Dialect = {
  control: comment,
  lost: ({ count }) => comment('lost', { count }),
  countsLost: false,
}

export interface Session {
  readonly id: string
  /** Lines written so far. */
  readonly sent: number
  lines(count: number): void
  /** The line of a record that tells the count. */
  control(kind: ControlKind, members: Members): string
}

/** A new one, or one that goes on. */
export function session(dialect: () => Dialect, id = randomBytes(8).toString('hex')): Session {
  let sent = 0
  return {
    id,
    get sent() {
      return sent
    },
    lines(count) {
      sent += count
    },
    control: (kind, members) => dialect().control(kind, { ...members, session: id, sent }),
  }
}

/** Nanoseconds since 1970, as the wire format has them. */
export function wall(): string {
  return (BigInt(Date.now()) * 1_000_000n).toString()
}
