/** The accounts of a soak that is over: what was made, what came, what was said to be lost, what was paired. */
import type { Seen } from './witness.js'

/** The summaries and histograms that came out at the end. */
export interface Written {
  /** Calls of the intervals, and over all. */
  intervals: number
  calls: number
  summaries: { tool?: string; [count: string]: unknown }[]
}

export interface Check {
  what: string
  holds: boolean
  figures: string
}

export interface Made {
  load: number
  generator: number
}

export interface Accounts {
  made: Made
  host: Seen
  guest: Seen
  written: Written
}

/** Takes what histo writes. */
export function written(): Written & { take(line: string): void } {
  const all: Written = { intervals: 0, calls: 0, summaries: [] }
  return Object.assign(all, {
    take(line: string) {
      const record = JSON.parse(line)
      if (record.type === 'summary') all.summaries.push(record)
      if (record.type !== 'histogram') return
      if (record.until_ts === undefined) all.calls += record.calls
      else all.intervals += record.calls
    },
  })
}

function check(what: string, holds: boolean, figures: string): Check {
  return { what, holds, figures }
}

export function checkAccounts({ made, host, guest, written }: Accounts): Check[] {
  const counts = (tool: string) => written.summaries.filter((summary) => summary.tool === tool)
  const [pair = {}] = counts('pair')
  const [order = {}] = counts('order')
  const [capture = {}] = counts('capture-host')
  const pulls = counts('pull')
  const both = (of: keyof Omit<Seen, 'wrong'>) => host[of] + guest[of]
  const lines = both('received') + both('losses') + both('summaries')
  const bad = sum(written.summaries, 'bad')
  return [
    closes('host', made.load, host),
    closes('guest', made.generator, guest),
    check(
      'the kernel had every call',
      Number(capture.events) === 2 * made.load && capture.lost === 0,
      `${capture.events} events of ${made.load} calls, ${capture.lost} overwritten`,
    ),
    check(
      'every gap in the numbers is told, and no other',
      host.wrong.length + guest.wrong.length === 0,
      [...host.wrong, ...guest.wrong].slice(0, 3).join('; ') || `${both('unknown')} of unknown size`,
    ),
    check(
      'pull counted what the witnesses saw; the channels swallowed nothing in silence',
      sum(pulls, 'records') + sum(pulls, 'unknown') + pulls.length === lines && sum(pulls, 'lost') === 0,
      `${sum(pulls, 'records')} records + ${sum(pulls, 'unknown')} losses of unknown size in ${sum(pulls, 'reconnects')} reconnects + ${pulls.length} summaries = ${lines} lines`,
    ),
    check(
      'order moved nothing and forced nothing',
      order.late === 0 && order.forced === undefined,
      `${order.records} records, ${order.late} late`,
    ),
    check(
      'pairs are those of the witness',
      pair.pairs === both('pairs') && pair.starts === both('starts') && pair.ends === both('ends'),
      `${pair.starts} starts = ${pair.pairs} pairs + ${pair.replaced} replaced + ${pair.lost} lost + ${pair.open} open; the witness: ${both('pairs')} pairs of ${both('starts')}`,
    ),
    check(
      'histo counted each pair once, in its intervals and over all',
      written.calls === pair.pairs && written.intervals === pair.pairs,
      `${written.intervals} in intervals, ${written.calls} over all`,
    ),
    check('no line was bad', bad === 0, `${bad}`),
  ]
}

function sum(summaries: Written['summaries'], count: string): number {
  return summaries.reduce((all, summary) => all + Number(summary[count] ?? 0), 0)
}

/** Two events a call. */
function closes(of: string, calls: number, { received, told, untold }: Seen): Check {
  return check(
    `${of}: sent = received + lost with a count + lost without`,
    2 * calls === received + told + untold,
    `${2 * calls} = ${received} + ${told} + ${untold}`,
  )
}
