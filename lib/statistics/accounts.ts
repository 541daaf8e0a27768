/**
 * Accounts: what the filters before this one counted, and what was lost on the way, in lines to stand below
 * a table. A percentile without them hides the calls that never ended.
 */

import { showDuration } from '../clock/duration.js'
import { accountLine, type ClosedAccount } from '../pairing/account.js'
import { lossOf } from '../wire/lost.js'
import { nameOf } from '../wire/names.js'
import type { RecordView } from '../wire/record.js'

export interface Accounts {
  /** Looks at a record that has a type. */
  take(record: RecordView): void
  /** Lines to print; the pairs that were counted here are held against what `pair` says it wrote. */
  lines(pairs: number): string[]
  /** The same as numbers. */
  readonly figures: Figures
}

export interface LossSum {
  events: number
  /** Gaps. */
  records: number
  /** Gaps of which nobody knows how many events they swallowed. */
  unknown: number
}

export interface Figures {
  pairings: readonly PairSummary[]
  /** What `pair --account` has told of itself so far, by path; who ends tells it all, in `pairings`. */
  told: readonly PairSummary[]
  /** Further `pairings`, which are not held. */
  untold: number
  /** By src. */
  lost: ReadonlyMap<string, LossSum>
  late: number
  bad: number
}

export type PairSummary = ClosedAccount & {
  path: string
  /** It came from there, through pull, and is that machine's word. */
  src?: string
  than_ns?: number
  slower?: number
  lower_ns?: number
  faster?: number
  /** Of task-state, where not all were asked for. */
  written?: number
}

const counted: (keyof ClosedAccount)[] = [
  ...(['starts', 'replaced', 'expired', 'evicted', 'lost', 'acausal', 'open'] as const),
  ...(['ends', 'pairs', 'orphans', 'foreign'] as const),
]

const limiting = ['than_ns', 'slower', 'lower_ns', 'faster', 'written'] as const

/** The account in a record, and nothing else of it; undefined: there is none, or it is another machine's word. */
export function pairSummaryOf(record: unknown): PairSummary | undefined {
  if (typeof record !== 'object' || record === null || !isPairSummary(record as Record<string, unknown>))
    return undefined
  const summary = record as PairSummary
  return summary.src === undefined ? accountOf(summary) : undefined
}

function accountOf(summary: PairSummary): PairSummary {
  const names = (['path', 'src', ...counted, ...limiting] as const).filter((name) => summary[name] !== undefined)
  return Object.fromEntries(names.map((name) => [name, summary[name]])) as unknown as PairSummary
}

/** A summary may come from anywhere; one that is not as pair writes it is no account. */
function isPairSummary(summary: Record<string, unknown>): summary is PairSummary & Record<string, unknown> {
  const { path, src, than_ns, slower, lower_ns, faster, written } = summary
  const both = (limit: unknown, count: unknown) =>
    limit === undefined ? count === undefined : whole(limit) && whole(count)
  const limits = both(than_ns, slower) && both(lower_ns, faster) && (written === undefined || whole(written))
  const named =
    typeof path === 'string' && path.length <= LONGEST_PATH && (src === undefined || typeof src === 'string')
  return named && limits && counted.every((name) => whole(summary[name]))
}

function whole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** How many events were lost, as far as it is known. */
export function countText({ events, records, unknown }: LossSum): string {
  if (unknown === records) return 'an unknown number of'
  return unknown > 0 ? `at least ${events}` : `${events}`
}

/** What `pair --than` and `--lower` let through. */
function limitsOf({ than_ns, lower_ns }: PairSummary): string {
  const longer = than_ns === undefined ? [] : [`longer than ${showDuration(than_ns)}`]
  const less = lower_ns === undefined ? [] : [`less than ${showDuration(lower_ns)}`]
  return [...longer, ...less].join(' or ')
}

export function pairingLine({ src, ...summary }: PairSummary): string {
  const who = src === undefined ? '' : `${src} says: `
  return `${who}${summary.path}: ${accountLine(summary)}`
}

/** Pairs (or stretches) of it that went out. */
export function writtenOf(pairing: PairSummary): number {
  const { pairs, written, slower = 0, faster = 0 } = pairing
  return limitsOf(pairing) === '' ? (written ?? pairs) : slower + faster
}

/** Where not all were asked for. */
export function chosenLine(pairing: PairSummary): string[] {
  const limits = limitsOf(pairing)
  const of = `only the ${writtenOf(pairing)} of ${pairing.pairs}`
  return [
    ...(pairing.written === undefined ? [] : [`${of} stretches that were asked for are in the table`]),
    ...(limits === '' ? [] : [`${of} pairs that took ${limits} are in the table`]),
  ]
}

/** Of each kind: a guest may send them for ever. */
const MOST_TOLD = 1024
const LONGEST_PATH = 1 << 16

export function accounts(): Accounts {
  const pairings: PairSummary[] = []
  const told = new Map<string, PairSummary>()
  const lost = new Map<string, LossSum>()
  /** Pairs that all summaries say were written. */
  let written = 0
  let untold = 0
  let late = 0
  let bad = 0

  function takeSummary(record: RecordView): void {
    const summary = JSON.parse(record.line) as Record<string, unknown>
    if (whole(summary.bad)) bad += summary.bad
    if (whole(summary.late)) late += summary.late
    if ((summary.tool !== 'pair' && summary.tool !== 'task-state') || !isPairSummary(summary)) return
    written += writtenOf(summary)
    if (pairings.length < MOST_TOLD) pairings.push(accountOf(summary))
    else untold++
  }

  function takeAccount(record: RecordView): void {
    const account = pairSummaryOf(JSON.parse(record.line))
    if (account && (told.has(account.path) || told.size < MOST_TOLD)) told.set(account.path, account)
  }

  return {
    get figures() {
      return { pairings, told: [...told.values()], untold, lost, late, bad }
    },
    take(record) {
      const { type } = record
      if (type === 'summary') takeSummary(record)
      if (type === 'account') takeAccount(record)
      if (type !== 'lost') return
      const loss = lossOf(record)
      const src = nameOf(loss.src) || 'unknown'
      const sum = lost.get(src) ?? { events: 0, records: 0, unknown: 0 }
      sum.events += loss.count ?? 0
      sum.records++
      if (loss.count === undefined) sum.unknown++
      lost.set(src, sum)
    },
    lines(pairs) {
      const lines = [...pairings.map(pairingLine), ...pairings.flatMap(chosenLine)]
      if (untold > 0) lines.push(`${untold} further accounts of pair are left out`)
      if (pairings.length === 0)
        lines.push(`${pairs} pairs; no account of what was not paired (the stream has no summary of pair: was it cut?)`)
      else if (written !== pairs)
        lines.push(`${pairs} pairs came here, ${written} were written: some went missing between`)
      for (const [src, sum] of lost)
        lines.push(`lost: ${countText(sum)} events of ${src}, in ${sum.records} gap${sum.records === 1 ? '' : 's'}`)
      if (late > 0) lines.push(`${late} records came too late to be put in order`)
      if (bad > 0) lines.push(`${bad} bad lines were left out`)
      return lines
    },
  }
}
