/**
 * The witness: stands between pull and order, passes every byte on, and checks that what is missing is what is said
 * to be missing. The events of the load are numbered, so each gap between two starts that come is known: without a
 * `lost` record there must be none; where all of them tell a count, the gap is their sum; one without a count excuses
 * any gap. It also pairs by itself: an end belongs to the start right before it, if nothing stands between them.
 *
 *     node witness.mjs <in >out        on stderr once a second, and at its end, what it has seen, as JSON
 */
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface Seen {
  received: number
  /** The number of the last start. */
  last: number
  starts: number
  ends: number
  pairs: number
  /** Missing where all losses had a count; where one had none. */
  told: number
  untold: number
  /** Losses without a count, and all. */
  unknown: number
  losses: number
  /** Of capture and pull. */
  summaries: number
  /** A start and its end, and a loss told between them. */
  apart: number
  wrong: string[]
}

interface Line {
  type?: string
  event?: string
  count?: number
  args?: Record<string, string>
}

const SAY_MS = 1000
const MASK = 0o777
const seen: Seen = {
  received: 0,
  last: 0,
  starts: 0,
  ends: 0,
  pairs: 0,
  told: 0,
  untold: 0,
  unknown: 0,
  losses: 0,
  summaries: 0,
  apart: 0,
  wrong: [],
}
/** Since the last start: ends, losses, and whether its end may be next. */
let since = { ends: 1, told: 0, unknown: 0, open: false }

function wrong(what: string): void {
  if (seen.wrong.length < 20) seen.wrong.push(what)
}

function take({ type, event, count, args = {} }: Line): void {
  if (type === 'lost') {
    seen.losses++
    if (since.open) seen.apart++
    since.open = false
    if (count === undefined) since.unknown++
    else since.told += count
    return
  }
  if (type === 'summary') seen.summaries++
  if (type !== undefined || !event) return
  seen.received++
  if (/:(start|sys_enter_umask)$/.test(event)) start(Number(args.n ?? args.mask))
  else end(args)
}

function start(n: number): void {
  const missing = 2 * (n - seen.last) - 1 - since.ends
  const { told, unknown } = since
  if (unknown === 0 ? missing !== told : missing < told) wrong(`before ${n}: ${missing} missing, ${told} told`)
  if (unknown > 0) seen.untold += missing - told
  seen.told += told
  seen.unknown += unknown
  seen.last = n
  seen.starts++
  since = { ends: 0, told: 0, unknown: 0, open: true }
}

/** What a call of umask(2) answers is the number of the call before. */
function end({ n, ret }: Record<string, string>): void {
  seen.ends++
  since.ends++
  if (!since.open) return
  since.open = false
  const its = n === undefined ? Number(ret) === ((seen.last - 1) & MASK) : Number(n) === seen.last
  if (its) seen.pairs++
  else wrong(`after ${seen.last}: the end of another one`)
}

function linesOf(take: (line: Line) => void): Transform {
  let rest = ''
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const lines = (rest + chunk.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        try {
          take(JSON.parse(line))
        } catch {
          wrong(`no JSON: ${line.slice(0, 100)}`)
        }
      }
      done(null, chunk)
    },
  })
}

const say = () => process.stderr.write(`${JSON.stringify(seen)}\n`)
const timer = setInterval(say, SAY_MS)
await pipeline(process.stdin, linesOf(take), process.stdout)
clearInterval(timer)
// what came behind the last start
seen.told += since.told
seen.unknown += since.unknown
say()
