/**
 * The account of a fleet: what its workers say was paired and was not, added up, and what of their intervals came late,
 * twice, in part or never. A table of a fleet without it hides the host that says nothing.
 */
import { BadRecord } from '../cli/tool.js'
import {
  chosenLine,
  countText,
  type LossSum,
  type PairSummary,
  pairingLine,
  writtenOf,
} from '../statistics/accounts.js'
import type { State } from './arrivals.js'
import type { Interval } from './interval-record.js'

export interface FleetAccount {
  /** What an interval's end tells beside its rows. Throws BadRecord where there is no room for it. */
  take(interval: Interval): void
  /** Lines to print. `calls`: of the table. */
  lines(lanes: readonly LaneState[], calls: number): string[]
}

export interface LaneState extends State {
  worker: string
  host: string
}

interface Told {
  accounts: Map<string, PairSummary>
  lost: Map<string, LossSum>
  bad: number
  untold: number
}

/** Accounts and losses that are held, of all workers. */
const MOST = 1 << 17
/** Lines of one kind; names in a line. */
const MOST_LINES = 8

export function fleetAccount(): FleetAccount {
  const workers = new Map<string, Told>()
  let held = 0
  let late = 0

  function toldBy(worker: string): Told {
    const known = workers.get(worker)
    if (known) return known
    const made: Told = { accounts: new Map(), lost: new Map(), bad: 0, untold: 0 }
    workers.set(worker, made)
    return made
  }

  /** What a worker tells only grows, so the larger of two is the later one, in whatever order they came. */
  function keep<T>(of: Map<string, T>, name: string, value: T, size: (value: T) => number): void {
    const known = of.get(name)
    if (known === undefined && ++held > MOST) throw new BadRecord(`more than ${MOST} accounts and losses are told`)
    if (known === undefined || size(value) >= size(known)) of.set(name, value)
  }

  function sums(): PairSummary[] {
    const all = new Map<string, PairSummary>()
    for (const { accounts } of workers.values())
      for (const [name, account] of accounts) all.set(name, added(all.get(name), account))
    return [...all.values()]
  }

  function lossLines(): string[] {
    const all = [...workers].flatMap(([worker, { lost }]) => [...lost].map(([src, sum]) => ({ worker, src, sum })))
    return few(
      all
        .toSorted((a, b) => b.sum.events - a.sum.events)
        .map(
          ({ worker, src, sum }) =>
            `lost: ${countText(sum)} events of ${src} (${worker}), in ${several(sum.records, 'gap')}`,
        ),
    )
  }

  function silentLines(): string[] {
    const silent = [...workers].filter(([, { accounts }]) => accounts.size === 0).map(([worker]) => worker)
    if (silent.length === 0) return []
    return [`no account of what was not paired has come from ${ofAll(silent, workers.size)}`]
  }

  return {
    take({ worker, late: more, bad, lost, accounts, untold }) {
      const told = toldBy(worker)
      late += more
      told.bad = Math.max(told.bad, bad)
      told.untold = Math.max(told.untold, untold)
      for (const { src, ...sum } of lost) keep(told.lost, src, sum, ({ records }) => records)
      for (const account of accounts)
        keep(told.accounts, limitsOf(account), account, ({ starts, ends }) => starts + ends)
    },
    lines(lanes, calls) {
      const accounts = sums()
      const sum = (of: (told: Told) => number) => [...workers.values()].reduce((all, told) => all + of(told), 0)
      const bad = sum(({ bad }) => bad)
      const untold = sum(({ untold }) => untold)
      return [
        headLine(lanes),
        ...accounts.map(pairingLine),
        ...accounts.flatMap(chosenLine),
        ...(untold > 0 ? [`${several(untold, 'further account')} of pair, for which there was no room`] : []),
        ...silentLines(),
        ...lossLines(),
        ...(late > 0
          ? [
              `${several(late, 'pair')} came after the interval was over, and ${late === 1 ? 'counts' : 'count'} in a later one`,
            ]
          : []),
        ...(bad > 0 ? [`${bad} bad lines were left out`] : []),
        ...laneLines(lanes),
        ...(untold > 0 ? [] : differenceLine(lanes, accounts, calls)),
      ]
    },
  }
}

/** Accounts of the same path that let through the same pairs can be added. */
function limitsOf({ path, than_ns, lower_ns }: PairSummary): string {
  return JSON.stringify([path, than_ns, lower_ns])
}

function added(sum: PairSummary | undefined, account: PairSummary): PairSummary {
  if (!sum) return account
  const { path, src, than_ns, lower_ns, ...counts } = account
  const both = Object.entries(counts).map(([name, count]) => [name, count + (sum[name as keyof typeof counts] ?? 0)])
  return { ...sum, ...Object.fromEntries(both) }
}

function headLine(lanes: readonly LaneState[]): string {
  const count = (names: readonly string[]) => new Set(names).size
  const intervals = lanes.reduce((sum, lane) => sum + lane.intervals, 0)
  return [
    several(count(lanes.map(({ worker }) => worker)), 'worker'),
    several(count(lanes.map(({ host }) => host)), 'host'),
    several(intervals, 'interval'),
  ].join(', ')
}

function laneLines(lanes: readonly LaneState[]): string[] {
  const sum = (of: (lane: LaneState) => number) => lanes.reduce((all, lane) => all + of(lane), 0)
  const lateCount = sum(({ lateCount }) => lateCount)
  const latePairs = sum(({ latePairs }) => latePairs)
  const late = lanes
    .filter((lane) => lane.lateCount > 0)
    .map((lane) => `${nameOf(lane)}: ${some(lane.late.map(String), lane.lateCount, ', ')}`)
  const repeated = sum(({ repeated }) => repeated)
  const running = lanes.filter(({ final }) => !final).map(nameOf)
  return [
    ...few(lanes.flatMap(missingLine)),
    ...(lateCount > 0
      ? [
          `${several(lateCount, 'interval')} came after later ones, with ${several(latePairs, 'pair')} that are in the table (${some(late, late.length)})`,
        ]
      : []),
    ...(repeated > 0
      ? [`${several(repeated, 'record')} came more than once, and ${repeated === 1 ? 'counts' : 'count'} once`]
      : []),
    ...(running.length > 0 ? [`not at an end: ${ofAll(running, lanes.length)}`] : []),
  ]
}

/** `w1, node7: intervals 4, 7-9 never came, 5 in part; 130 pairs are missing` */
function missingLine(lane: LaneState): string[] {
  const never = lane.missing.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
  const parts = lane.partial.map(String)
  if (never.length + parts.length === 0 && lane.missingPairs === 0) return []
  const what = [
    ...(never.length > 0 ? [`${some(never, never.length, ', ')} never came`] : []),
    ...(parts.length > 0 ? [`${some(parts, parts.length, ', ')} came in part`] : []),
  ].join('; ')
  const pairs = lane.missingPairs === 1 ? '1 pair is missing' : `${lane.missingPairs} pairs are missing`
  return [`${nameOf(lane)}: ${what === '' ? '' : `of its intervals ${what}; `}${pairs}`]
}

/** Where all has come and ended, the workers' accounts must have the pairs of the table. */
function differenceLine(lanes: readonly LaneState[], accounts: readonly PairSummary[], calls: number): string[] {
  const whole = lanes.every(({ final, missingPairs }) => final && missingPairs === 0)
  const written = accounts.reduce((sum, account) => sum + writtenOf(account), 0)
  if (!whole || accounts.length === 0 || written === calls) return []
  return [`${calls} pairs are in the table, ${written} were written: some went missing before they were counted`]
}

function nameOf({ worker, host }: LaneState): string {
  return `${worker}, ${host}`
}

function ofAll(names: readonly string[], all: number): string {
  return `${names.length} of ${all}: ${some(names, names.length)}`
}

/** The first of many. */
function some(names: readonly string[], all: number, between = '; '): string {
  const shown = names.slice(0, MOST_LINES)
  return [...shown, ...(all > shown.length ? [`${all - shown.length} more`] : [])].join(between)
}

function few(lines: readonly string[]): string[] {
  if (lines.length <= MOST_LINES) return [...lines]
  return [...lines.slice(0, MOST_LINES), `${lines.length - MOST_LINES} more lines like this one`]
}

function several(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
