/**
 * A lane: what is published under one subject, in order.
 *
 * Lines wait and go out together, as many as one message may hold. One message is under way at a time: it is sent
 * again until the server has said that it is stored, under the same id, so that the server stores it once; the next
 * one follows then. So neither a lost answer nor a new connection makes a gap, a repeat or another order. What a
 * message begins with (session, lines before it) stands in its headers: a reader knows a repeat by that, too, however
 * late it comes.
 */
import { randomBytes } from 'node:crypto'
import { type Control, type Dialect, type Session, session } from './session.js'

/**
 * A publisher that was killed is replaced by one that reads the same input from its beginning (push --resume): the last
 * message that is stored tells the session and how many lines have gone, and these are left out.
 */
export interface Before {
  session: string
  lines: number
}

/** Stores a message, or throws what cannot be mended. */
export type Publish = (payload: Buffer, id: string, headers: Record<string, string>) => Promise<void>

export const SESSION = 'Vmpipe-Session'
export const SENT = 'Vmpipe-Sent'
/** Lines in this message that `sent` counts. */
export const LINES = 'Vmpipe-Lines'

export interface Lane {
  /** Bytes that wait or are under way. */
  readonly waiting: number
  /** Lines that were given and not stored. */
  readonly unstored: number
  chunk(bytes: Buffer, lines: number): void
  control(control: Control): void
  /** Lines of the input that came and had been stored before; such as did not come. */
  readonly known: number
  readonly missing: number
  /** Begins to send. */
  open(publish: Publish, most: number, predecessor: Before | null): void
}

interface Piece {
  bytes: Buffer
  lines: number
}

/** `progress`: some of it is stored; `failed`: none of the rest will be. */
export function lane(dialect: () => Dialect, progress: () => void, failed: (error: Error) => void): Lane {
  // a session may go on in another process, a message does not
  const run = randomBytes(8).toString('hex')
  let own: Session = session(dialect)
  const queue: Piece[] = []
  let waiting = 0
  let unstored = 0
  let sending = false
  let publish: Publish | null = null
  let most = 0
  let messages = 0
  /** Lines in the messages that were made, here or before. */
  let before = 0
  /** What was given before the lane was open: how much of it has been stored is not known yet. */
  let early: (() => void)[] | null = []
  /** Lines that are still to be left out. */
  let skip = 0
  let stored = 0

  function put(bytes: Buffer, lines: number): void {
    queue.push({ bytes, lines })
    waiting += bytes.length
    unstored += lines
    void send()
  }

  /** The next message: whole pieces while they fit, or as many lines of one as do. */
  function next(): Piece {
    const taken: Buffer[] = []
    let size = 0
    let lines = 0
    for (let head = queue[0]; head && (size === 0 || size + head.bytes.length <= most); head = queue[0]) {
      const part = head.bytes.length > most ? cut(head, most) : head
      if (part === head) queue.shift()
      taken.push(part.bytes)
      size += part.bytes.length
      lines += part.lines
    }
    return { bytes: Buffer.concat(taken), lines }
  }

  async function send(): Promise<void> {
    if (sending || !publish) return
    sending = true
    try {
      while (queue.length > 0) {
        const { bytes, lines } = next()
        await publish(bytes, `${run}-${messages++}`, {
          [SESSION]: own.id,
          [SENT]: String(before),
          [LINES]: String(lines),
        })
        before += lines
        waiting -= bytes.length
        unstored -= lines
        progress()
      }
      sending = false
    } catch (error) {
      // stays `sending`: nothing goes out after what failed
      failed(error as Error)
    }
  }

  function chunk(bytes: Buffer, lines: number): void {
    if (lines === 0) return
    if (early) {
      early.push(() => chunk(bytes, lines))
      unstored += lines
      return
    }
    own.lines(lines)
    const known = Math.min(skip, lines)
    skip -= known
    if (known < lines) put(known === 0 ? bytes : bytes.subarray(behind(bytes, known)), lines - known)
  }

  function control({ kind, members }: Control): void {
    if (early) early.push(() => control({ kind, members }))
    // among lines that are stored it is stored, too
    else if (skip === 0) put(Buffer.from(`${own.control(kind, members)}\n`), 0)
  }

  return {
    get waiting() {
      return waiting
    },
    get unstored() {
      return unstored
    },
    get known() {
      return stored - skip
    },
    get missing() {
      return skip
    },
    chunk,
    control,
    open(how, room, predecessor) {
      publish = how
      most = room
      if (predecessor) {
        own = session(dialect, predecessor.session)
        stored = skip = before = predecessor.lines
      }
      const given = early ?? []
      early = null
      unstored = 0
      for (const give of given) give()
      void send()
    },
  }
}

/** Takes as many whole lines from the head of a piece as fit, at least one. */
function cut(piece: Piece, most: number): Piece {
  const fits = piece.bytes.lastIndexOf(10, most - 1)
  const end = (fits >= 0 ? fits : piece.bytes.indexOf(10)) + 1
  const bytes = piece.bytes.subarray(0, end)
  const lines = piece.lines === 0 ? 0 : newlines(bytes)
  piece.bytes = piece.bytes.subarray(end)
  piece.lines -= lines
  return { bytes, lines }
}

/** Where the line begins that follows so many. */
function behind(text: Buffer, lines: number): number {
  let at = 0
  for (let n = 0; n < lines; n++) at = text.indexOf(10, at) + 1
  return at
}

function newlines(text: Buffer): number {
  let n = 0
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) n++
  return n
}
