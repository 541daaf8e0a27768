/**
 * The account of a guest's requests, which closes:
 *
 *     started = whole + gaps + unclear + requeued + lost + evicted + acausal + open
 *
 * and of what was found of the host's side: kicks, interrupts, calls, each with what was nobody's.
 */
import type { Stage } from './request.js'
import { needed, stages } from './request.js'

export interface Account {
  started: number
  /** Followed through all the stages that a request needs. */
  whole: number
  /** Followed to its end, with one of those empty. */
  gaps: number
  /** Another one of the same sectors was under way: which of the two was completed nobody knows. */
  unclear: number
  requeued: number
  lost: number
  evicted: number
  acausal: number
  open: number
  /** Completions without an issue. */
  orphans: number
  kicks: number
  /** Kicks of a known queue that no request waited for. */
  kicks_idle: number
  calls: number
  /** Calls in which no request was done. */
  calls_idle: number
}

const ends = ['unclear', 'requeued', 'lost', 'evicted', 'acausal', 'open'] as const

export function emptyAccount(): Account {
  return {
    started: 0,
    whole: 0,
    gaps: 0,
    unclear: 0,
    requeued: 0,
    lost: 0,
    evicted: 0,
    acausal: 0,
    open: 0,
    orphans: 0,
    kicks: 0,
    kicks_idle: 0,
    calls: 0,
    calls_idle: 0,
  }
}

/** Of each stage: why it stayed empty, and how often. */
export type Empty = Map<Stage, Map<string, number>>

export interface QueueRow {
  notify: string
  /** Guest's CPUs whose requests take it, each with how often the recording agreed. */
  cpus: string
  requests: number
  kicks: number
  idle: number
}

export interface IrqRow {
  irq: number
  name: string
  vector: string
  injected: number
  handlers: number
  /** Handlers that completed a request, and the requests. */
  completing: number
  requests: number
}

export interface Report {
  guest: string
  account: Account
  /** Requests followed to their end, and how many had each stage. */
  came: ReadonlyMap<Stage, number>
  empty: Empty
  queues: QueueRow[]
  irqs: IrqRow[]
}

export function sum(accounts: readonly Account[]): Account {
  const total = emptyAccount()
  for (const account of accounts)
    for (const name of Object.keys(total) as (keyof Account)[]) total[name] += account[name]
  return total
}

/** `900 requests = 890 whole + 6 with gaps + 4 open (gaps: 4 kick, 2 msi)` */
export function accountLine(account: Account, gaps: string): string {
  const shown = ends.filter((end) => account[end] !== 0).map((end) => ` + ${account[end]} ${end}`)
  const holes = account.gaps > 0 ? ` + ${account.gaps} with gaps` : ''
  const where = gaps === '' ? '' : ` (without ${gaps})`
  const orphans = account.orphans > 0 ? `; ${account.orphans} completions without an issue` : ''
  return `${account.started} requests = ${account.whole} whole${holes}${shown.join('')}${where}${orphans}`
}

/** `kick 4, msi 2`: how many of those with gaps lack each stage. */
export function gapsText(reports: readonly Report[]): string {
  return needed
    .map((stage): [Stage, number] => [stage, reports.reduce((all, { empty }) => all + total(empty.get(stage)), 0)])
    .filter(([, count]) => count > 0)
    .map(([stage, count]) => `${stage} ${count}`)
    .join(', ')
}

/** The stages in their order, each with its count and the reasons for what is empty. */
export function stageRows({ came, empty }: Report): { stage: Stage; came: number; empty: number; why: string }[] {
  return stages.map((stage) => {
    const reasons = [...(empty.get(stage) ?? [])].sort(([, a], [, b]) => b - a)
    const why = reasons.map(([reason, count]) => (reasons.length > 1 ? `${count} ${reason}` : reason)).join('; ')
    return { stage, came: came.get(stage) ?? 0, empty: total(empty.get(stage)), why }
  })
}

function total(reasons: ReadonlyMap<string, number> | undefined): number {
  let all = 0
  for (const count of reasons?.values() ?? []) all += count
  return all
}
