/**
 * What came in the messages of many publishers: each subject has an account of its own (ledger.ts), and each host's
 * names stand behind its own (`node7/vm1`).
 *
 * A message says in its headers whose session it is of and how many lines went before it. So a gap is told where it
 * is, and a message that comes once more (published again after a lost answer, later than the server remembers) is
 * known and left out.
 */
import { MAX_LINE, MAX_NAMES, REASON, REASON_TOO_LONG, ROW_WORDS } from '../assembly/layout.js'
import type { Context } from '../cli/tool.js'
import { allocate, bytes, release, scanner, words } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { reasonText, rowReason } from '../wire/reasons.js'
import { type Intake, intake } from './intake.js'
import type { Client } from './nats-connect.js'
import { SENT, SESSION } from './nats-lane.js'
import { hostNames } from './source-name.js'

export interface Counts {
  records: number
  lost: number
  unknown: number
  before: number
  /** Messages that came once more. */
  repeated: number
  publishers: number
}

export interface NatsIntake {
  message(message: Client.JsMsg): void
  /** Messages are gone that nobody has read: nobody knows whose, or how many. */
  unread(out: Out): void
  /** Every session that began has come to its end. */
  readonly ended: boolean
  readonly doubted: boolean
  counts(): Counts
}

interface Publisher {
  taken: Intake
  session: string
  /** Lines that are accounted for in this session. */
  position: number
}

const ROWS = 1024
const SLACK = 64
const START = 1 << 18

export function natsIntake(name: string, context: Context, out: Out): NatsIntake {
  const publishers = new Map<string, Publisher>()
  const rows = allocate(ROWS * ROW_WORDS * 4)
  let size = START + SLACK
  let room = allocate(size)
  let repeated = 0
  let unknown = 0

  function publisherOf(subject: string): Publisher {
    const known = publishers.get(subject)
    if (known) return known
    const host = subject.split('.').at(-3) ?? ''
    // all that there are: these are the names of a fleet, not of one guest
    const made = { taken: intake(hostNames(host), out, MAX_NAMES), session: '', position: 0 }
    publishers.set(subject, made)
    return made
  }

  function take(taken: Intake, where: string, end: number): void {
    let line = 0
    for (let at = room; at < end; ) {
      const count = scanner.scan(at, end, rows, ROWS)
      at = scanner.scannedTo()
      if (count === 0) return
      for (let i = 0; i < count; i++) {
        const row = (rows >> 2) + i * ROW_WORDS
        line++
        if (words[row + REASON] === 0) takeRow(taken, row, `${where}:${line}`)
        else context.bad(`${where}:${line}`, rowReason(row))
      }
    }
  }

  /** A publisher may fill the table of names: that is its own line's fault. */
  function takeRow(taken: Intake, row: number, where: string): void {
    try {
      const wrong = taken.row(row)
      if (wrong) context.bad(where, wrong)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      context.bad(where, error.message)
    }
  }

  function put(data: Uint8Array): number {
    if (data.length + SLACK > size) {
      release(room, size)
      // twice as much: what is given back is of use to none that is larger
      size = Math.max(2 * size, data.length + SLACK)
      room = allocate(size)
    }
    bytes.set(data, room)
    let end = room + data.length
    if (bytes[end - 1] !== 10) bytes[end++] = 10
    return end
  }

  /** A line that is longer than the scanner takes, or a record may become, is said, and made blank. */
  function leaveOutLong(where: string, end: number): void {
    if (end - room <= MAX_LINE) return
    for (let at = room; at < end; ) {
      const stop = bytes.indexOf(10, at)
      if (stop - at > MAX_LINE) {
        context.bad(where, reasonText(REASON_TOO_LONG))
        bytes.fill(32, at, stop)
      }
      at = stop + 1
    }
  }

  const sum = (what: (taken: Intake) => number) =>
    [...publishers.values()].reduce((all, { taken }) => all + what(taken), 0)

  return {
    get ended() {
      return publishers.size > 0 && [...publishers.values()].every(({ taken }) => taken.book.ended)
    },
    get doubted() {
      return [...publishers.values()].some(({ taken }) => taken.doubted)
    },
    unread(out) {
      unknown++
      out.write(JSON.stringify({ type: 'lost' }))
    },
    message({ subject, seq, data, headers }) {
      if (data.length === 0) return
      const publisher = publisherOf(subject)
      const { taken } = publisher
      const session = headers?.get(SESSION) ?? ''
      const told = headers?.get(SENT) ?? ''
      const sent = /^\d{1,16}$/.test(told) ? Number(told) : Number.NaN
      if (session !== '' && Number.isSafeInteger(sent)) {
        if (session === publisher.session && sent < publisher.position) {
          repeated++
          return
        }
        const { book } = taken
        taken.gap(book.session === undefined ? book.mark(session, sent) : book.resume(session, sent, 0), undefined)
        publisher.session = session
        publisher.position = sent
      }
      const { received } = taken.book
      const where = `${name}:${seq}`
      const end = put(data)
      leaveOutLong(where, end)
      take(taken, where, end)
      publisher.position += taken.book.received - received
    },
    counts: () => ({
      records: sum(({ book }) => book.received),
      lost: sum(({ book }) => book.lost),
      unknown: unknown + sum((taken) => taken.unknown),
      before: sum(({ book }) => book.before),
      repeated,
      publishers: publishers.size,
    }),
  }
}
