/**
 * What a worker (`histo --emit hdr`) tells of an interval of one host: an `hdr` record for each of its rows, then one of
 * type `interval`, which says how many rows it has, and what was counted beside:
 *
 *     {"type":"hdr","worker":"w1","host":"node7","interval":3,"row":0,"from_ts":"40000000000","to_ts":"50000000000",
 *      "of":{"start":"a","end":"b","vm":"vm1"},"calls":2,"total_ns":"30","min_ns":10,"max_ns":20,"hdr":"HISTFAAA…"}
 *     {"type":"interval","worker":"w1","host":"node7","interval":3,"from_ts":"40000000000","to_ts":"50000000000",
 *      "rows":1,"pairs":2,"before":120,"late":0,"bad":0,"lost":[],"accounts":[{"path":"a => b","starts":130,…}]}
 *
 * worker, host and interval are what an interval is known by: the same again is the same. Intervals count from 0
 * without a gap; `before` is how many pairs all earlier ones have. `lost` and `accounts` are the worker's since it
 * began; `untold`, where there are accounts for which a record has no room, how many. A row's names stand inside of `of`, so that a reader of a large fleet need not remember each (the limit on
 * names, vmpipe-wire(5), is for those of events).
 */
import { BadRecord } from '../cli/tool.js'
import { type LossSum, type PairSummary, pairSummaryOf } from '../statistics/accounts.js'
import { type Counts, decodeHdr, encodeHdr } from '../statistics/hdr-code.js'
import { type Exact, type Histogram, highestOf, lowestOf } from '../statistics/histogram.js'

/** What an interval is known by. */
export interface Place {
  worker: string
  host: string
  interval: number
}

export interface Bounds {
  /** ns, of the host's events. */
  from: bigint
  to: bigint
}

export type Of = Record<string, string | number>

export interface Row extends Place {
  row: number
  of: Of
  exact: Exact
  counts: Counts
}

export interface Lost extends LossSum {
  src: string
}

export interface Told {
  rows: number
  pairs: number
  before: number
  late: number
  bad: number
  lost: readonly Lost[]
  accounts: readonly PairSummary[]
  /** Accounts for which there was no room. */
  untold: number
  /** The worker has ended with it. */
  final: boolean
}

export type Interval = Place & Told

export const LONGEST_NAME = 256
const LONGEST_KEY = 1024
/** Of `of`. */
const NAMES = ['start', 'end', 'vm']
const MOST_MEMBERS = 16
export const LONGEST_PATH = 4096
const MOST_LISTED = 1024
/** A row's number is below it. */
export const MOST_ROWS = 65536

export function rowText(place: Place, { from, to }: Bounds, row: number, of: Of, h: Histogram): string {
  return JSON.stringify({
    type: 'hdr',
    ...place,
    row,
    from_ts: from.toString(),
    to_ts: to.toString(),
    of,
    calls: h.calls,
    total_ns: h.total.toString(),
    min_ns: h.min,
    max_ns: h.max,
    hdr: encodeHdr(h),
  })
}

export function intervalText(place: Place, { from, to }: Bounds, { untold, final, ...told }: Told): string {
  const bounds = { from_ts: from.toString(), to_ts: to.toString() }
  return JSON.stringify({
    type: 'interval',
    ...place,
    ...bounds,
    ...told,
    ...(untold > 0 ? { untold } : {}),
    ...(final ? { final } : {}),
  })
}

/** Reads an `hdr` record. Throws BadRecord where it is none, or contradicts itself. */
export function rowOf(line: string): Row {
  const record = JSON.parse(line) as Record<string, unknown>
  const place = placeOf(record)
  const row = { ...place, row: whole(record, 'row', MOST_ROWS - 1), of: membersOf(record.of) }
  const exact = {
    calls: whole(record, 'calls'),
    total: BigInt(digits(record, 'total_ns')),
    min: whole(record, 'min_ns'),
    max: whole(record, 'max_ns'),
  }
  const counts = decoded(text(record, 'hdr', Number.POSITIVE_INFINITY))
  const wrong = contradiction(counts, exact)
  if (wrong) throw new BadRecord(`hdr ${wrong}`)
  return { ...row, exact, counts }
}

/** Reads an `interval` record. Throws BadRecord where it is none. */
export function intervalOf(line: string): Interval {
  const record = JSON.parse(line) as Record<string, unknown>
  return {
    ...placeOf(record),
    rows: whole(record, 'rows', MOST_ROWS),
    pairs: whole(record, 'pairs'),
    before: whole(record, 'before'),
    late: whole(record, 'late'),
    bad: whole(record, 'bad'),
    lost: list(record, 'lost').map(lostOf),
    accounts: list(record, 'accounts').map((account) => {
      const known = pairSummaryOf(account)
      const sound = known && known.path.length <= LONGEST_PATH && !Object.values(known).some((count) => count < 0)
      if (!sound) throw new BadRecord('accounts has one that pair does not write')
      return known
    }),
    untold: record.untold === undefined ? 0 : whole(record, 'untold'),
    final: record.final === true,
  }
}

function placeOf(record: Record<string, unknown>): Place {
  return {
    worker: text(record, 'worker', LONGEST_NAME),
    host: text(record, 'host', LONGEST_NAME),
    interval: whole(record, 'interval'),
  }
}

function lostOf(value: unknown): Lost {
  const record = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>
  return {
    src: text(record, 'src', LONGEST_NAME, 'lost'),
    events: whole(record, 'events'),
    records: whole(record, 'records'),
    unknown: whole(record, 'unknown'),
  }
}

function membersOf(value: unknown): Of {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadRecord('of is no object')
  const members = Object.entries(value)
  if (members.length > MOST_MEMBERS) throw new BadRecord(`of has more than ${MOST_MEMBERS} members`)
  for (const [name, member] of members) {
    const most = NAMES.includes(name) ? LONGEST_NAME : LONGEST_KEY
    const sound = typeof member === 'number' || (typeof member === 'string' && member.length <= most)
    if (!sound || name.length > LONGEST_NAME) throw new BadRecord('of has a member that is no name and no key')
  }
  return Object.fromEntries(members)
}

function decoded(hdr: string): Counts {
  try {
    return decodeHdr(hdr)
  } catch (error) {
    throw new BadRecord(`hdr ${(error as Error).message}`)
  }
}

/** What is exact must be possible with these counts; answers '' where it is. */
function contradiction(counts: Counts, { calls, total, min, max }: Exact): string {
  const sum = counts.reduce((all, [, count]) => all + count, 0)
  if (sum !== calls || sum === 0) return `has ${sum} calls, the record says ${calls}`
  const [first] = counts[0] as Counts[number]
  const [last] = counts.at(-1) as Counts[number]
  if (min < lowestOf(first) || min > highestOf(first)) return 'has another shortest call than min_ns'
  if (max < lowestOf(last) || max > highestOf(last) || max < min) return 'has another longest call than max_ns'
  return total < sumOf(counts, lowestOf, max) || total > sumOf(counts, highestOf, max)
    ? 'has another sum than total_ns'
    : ''
}

function sumOf(counts: Counts, of: (bucket: number) => number, max: number): bigint {
  const calls = counts.reduce((all, [, count]) => all + count, 0)
  if (calls * max < Number.MAX_SAFE_INTEGER / 2)
    return BigInt(counts.reduce((all, [bucket, count]) => all + of(bucket) * count, 0))
  return counts.reduce((all, [bucket, count]) => all + BigInt(of(bucket)) * BigInt(count), 0n)
}

function whole(record: Record<string, unknown>, name: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = record[name]
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number
  throw new BadRecord(`${name} is no number from 0 to ${most === Number.MAX_SAFE_INTEGER ? '2^53' : most}`)
}

function text(record: Record<string, unknown>, name: string, most: number, within = ''): string {
  const value = record[name]
  const said = within === '' ? name : `${name} in ${within}`
  if (typeof value !== 'string' || value === '') throw new BadRecord(`${said} is no text`)
  if (value.length > most) throw new BadRecord(`${said} is longer than ${most} characters`)
  return value
}

function digits(record: Record<string, unknown>, name: string): string {
  const value = record[name]
  if (typeof value === 'string' && /^\d{1,34}$/.test(value)) return value
  throw new BadRecord(`${name} is not digits in a string`)
}

function list(record: Record<string, unknown>, name: string): unknown[] {
  const value = record[name]
  if (Array.isArray(value) && value.length <= MOST_LISTED) return value
  throw new BadRecord(`${name} is no list of at most ${MOST_LISTED}`)
}
