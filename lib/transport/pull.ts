/**
 * Pulling: lines from a channel that may break off and come again, with an account of what did not come.
 *
 * Where a channel is interrupted, lines are cut at any byte. What is left of the last line, and the rest of one
 * that the new channel begins with, are dropped, unless they are a whole record; the sender's count then says how
 * many lines that cost (ledger.ts), and the loss is told before what comes after it (settle.ts).
 */
import { REASON, ROW_WORDS } from '../assembly/layout.js'
import { nextBatch } from '../cli/drive.js'
import type { Context } from '../cli/tool.js'
import { type Batch, openInput } from '../wire/input.js'
import { bytes, words } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { reasonText, rowReason } from '../wire/reasons.js'
import type { Source } from '../wire/source.js'
import { systemMessage } from '../wire/system-message.js'
import { channels } from './channels.js'
import type { Inlet } from './inlet.js'
import { intake } from './intake.js'
import type { Told } from './ledger.js'
import { scanOf } from './lines.js'
import { within } from './patience.js'
import { type Hold, isWhole, type Settled, settle } from './settle.js'
import { sourceName } from './source-name.js'

export interface PullOptions {
  src: string
  /** Connect again, and wait for what is not there. */
  retry: boolean
  /** Go on after the sender's `end`. */
  follow: boolean
  hold: Hold
  /** ms before a channel is taken up again, at first. */
  pause: number
}

export interface Pulled {
  /** Lines that came, and that are counted by `sent`. */
  records: number
  lost: number
  /** Losses of unknown size. */
  unknown: number
  before: number
  reconnects: number
  text: boolean
}

const UNKNOWN: Told = { missing: 0, unknown: true, doubt: false }

export async function pull(inlet: Inlet, options: PullOptions, context: Context, out: Out): Promise<Pulled> {
  const { name, lasting } = inlet
  const taken = intake(sourceName(options.src), out)
  const { book } = taken
  const channel = channels(inlet, options, context)
  /** What came on channels that broke off again before a count was told, and waits for one. */
  let held: Settled[] = []
  /** Lines of channels that are over. */
  let linesBefore = 0
  /** Something came: an interruption is one of this stream. */
  let flowing = false
  let opened = false
  /** Interrupted while the sender was gone. */
  let broken = false
  /** A hold was in vain, and no count was ever told: there is no use in another. */
  let countless = false

  function over(): boolean {
    return lasting && !options.follow && book.ended
  }

  /** `cut`: the first row may be the rest of a line; `tail`: the last one ended without a newline. */
  function takeBatch(batch: Batch, cut: boolean, tail: boolean): void {
    const end = batch.rows + batch.count * ROW_WORDS
    for (let row = batch.rows; row < end && !over(); row += ROW_WORDS) {
      const fragment = (cut && row === batch.rows) || (tail && row === end - ROW_WORDS)
      if (fragment && lasting && !isWhole(row, tail)) continue
      const problem = words[row + REASON] !== 0 ? rowReason(row) : taken.row(row)
      if (problem) context.bad(`${name}:${linesBefore + batch.lineOf(row)}`, problem)
    }
  }

  /** All lines of one channel. */
  async function take({ source, lines }: Settled): Promise<void> {
    taken.lines = lines
    const { whole, unterminated } = tailOf(source)
    const input = openInput(whole, scanOf(lines))
    input.onSkip((at, reason) => context.bad(`${name}:${linesBefore + at}`, reasonText(reason)))
    let cut = true
    let at = 0
    while (!over()) {
      if (source.live) out.flush()
      const batch = await nextBatch(input, context)
      if (!batch) break
      at = batch.lineOf(batch.rows + (batch.count - 1) * ROW_WORDS)
      takeBatch(batch, cut, unterminated())
      cut = false
      batch.release()
    }
    linesBefore += at
    input.close()
    source.close()
    out.flush()
  }

  /** What was held, and the channel at hand: the first loss says all, each further interruption that there is one. */
  async function release(told: Told, last: Settled[]): Promise<void> {
    const all = [...held, ...last]
    held = []
    let gap = told
    for (const settled of all) {
      taken.lines = settled.lines
      taken.gap(gap, settled.first)
      await take(settled)
      gap = { ...UNKNOWN, unknown: told.missing > 0 || told.unknown }
    }
  }

  /** One channel, to its end, unless it is held. */
  async function read(source: Source): Promise<void> {
    const settled = await settle(source, flowing && !countless ? options.hold : null)
    if (!settled.some) {
      source.close()
      return
    }
    if (!flowing) {
      flowing = true
      await take(settled)
      return
    }
    const { mark, counted, ended } = settled
    if (mark) {
      const lines = held.reduce((sum, { counted }) => sum + counted, counted)
      await release(book.resume(mark.session, mark.sent, lines), [settled])
    } else if (ended && !countless && channel.again()) {
      source.close()
      held.push(settled)
      if (held.length > MAX_HELD) await release(UNKNOWN, [])
    } else {
      countless = book.session === undefined
      await release(UNKNOWN, [settled])
    }
  }

  while (!over()) {
    const coming = channel.next()
    if (held.length > 0 && (await within(coming, options.hold.ms)) === 'late') await release(UNKNOWN, [])
    const source = await coming
    if (!source) {
      broken = flowing
      break
    }
    opened = true
    await read(source)
    if (source.error && !lasting) context.problem(`${name}: ${systemMessage(source.error)}`)
    if (!channel.again()) break
  }
  if (held.length > 0) await release(UNKNOWN, [])
  if (book.session !== undefined && !book.ended && (broken || !channel.stopped)) {
    taken.gap(UNKNOWN, undefined)
    context.warn(`${name}: ended without an end record: what the sender had still to say is not known`)
  }
  if (opened && lasting && !flowing && !channel.stopped) context.warn(`${name}: ended before anything was sent`)
  if (taken.doubted)
    context.problem(`${name}: the sender said it had sent fewer lines than had come; its counts cannot be believed`)
  const { received: records, lost, before } = book
  const { unknown, lines } = taken
  return { records, lost, unknown, before, reconnects: channel.reconnects, text: lines === 'text' }
}

const MAX_HELD = 16

/** A source, and whether it has ended without a newline. */
function tailOf(source: Source): { whole: Source; unterminated(): boolean } {
  let lastByte = 10
  let ended = false
  const whole: Source = {
    name: source.name,
    live: source.live,
    async read(to, max) {
      const n = await source.read(to, max)
      if (n > 0) lastByte = bytes[to + n - 1] as number
      else ended = true
      return n
    },
    stop: () => source.stop(),
    close: () => source.close(),
  }
  return { whole, unterminated: () => ended && lastByte !== 10 }
}
