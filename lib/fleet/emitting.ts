/**
 * `histo --emit hdr`: pairs into encoded histograms, which `histo --merge` adds. What is held is the interval at hand of
 * each host.
 */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { HAS_TS, TYPE } from '../assembly/layout.js'
import { BadRecord, type Stage } from '../cli/tool.js'
import { boundedKey } from '../pairing/event-key.js'
import { accounts, type Figures, type LossSum, pairSummaryOf } from '../statistics/accounts.js'
import { keyMember, labelsOf } from '../statistics/labels.js'
import { type Label, type Series, series } from '../statistics/series.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import type { RecordView } from '../wire/record.js'
import { type HostNames, hostNames } from './host.js'
import {
  type Bounds,
  intervalText,
  LONGEST_NAME,
  LONGEST_PATH,
  type Lost,
  MOST_ROWS,
  type Of,
  type Place,
  rowText,
  type Told,
} from './interval-record.js'
import { type Lane, lane } from './lane.js'

export interface EmitOptions {
  worker: string
  /** Of pairs that do not say whose they are. */
  host: string
  /** ns; 0: all is one. */
  interval: number
  keys: boolean
  by: string | undefined
  maxKeys: number
}

interface Kept {
  lane: Lane
  host: string
  /** Intervals written. */
  interval: number
  /** Pairs in them. */
  pairs: number
}

/** A name that no other worker has: a name twice would be the same intervals twice. */
export function newWorker(): string {
  return `${hostname().slice(0, LONGEST_HOST)}-${randomBytes(6).toString('hex')}`
}

/** Throws an Error where `by` names no members. */
export function emitting(options: EmitOptions): Stage {
  const { worker, host } = options
  for (const [name, text] of Object.entries({ worker, host }))
    if (text === '' || text.length > LONGEST_NAME) throw new Error(`--${name} is empty, or longer than ${LONGEST_NAME}`)
  const names = hostNames(host)
  const rows = { labels: labels(options, names), names: true, than: Number.POSITIVE_INFINITY, errors: false }
  if (options.maxKeys + 2 > MOST_ROWS) throw new Error(`--max-keys is at most ${MOST_ROWS - 2} with --emit`)
  const make = () => series({ ...rows, maxKeys: options.maxKeys })
  const pair = idOf('pair')
  const clock = idOf('clock')
  const account = accounts()
  const lanes = new Map<string, Kept>()
  let output: Out

  function laneOf(host: string): Kept {
    const known = lanes.get(host)
    if (known) return known
    const made: Kept = {
      lane: lane(options.interval, make, (...closed) => write(made, ...closed)),
      host,
      interval: 0,
      pairs: 0,
    }
    lanes.set(host, made)
    return made
  }

  function write(kept: Kept, some: Series, bounds: Bounds, late: number, final: boolean): void {
    const { host, interval, pairs: before } = kept
    const place: Place = { worker, host, interval }
    for (const [i, { start, end, of, histogram }] of some.rows.entries())
      output.write(rowText(place, bounds, i, { start, end, ...(of as Of) }, histogram))
    const counted = { rows: some.rows.length, pairs: some.calls, before, late }
    output.write(intervalText(place, bounds, { ...counted, ...beside(account.figures), final }))
    kept.interval++
    kept.pairs += some.calls
  }

  return {
    event() {},
    record(record, out) {
      output = out
      const type = words[record.row + TYPE]
      if (type === pair) {
        if (!record.has(HAS_TS)) throw new BadRecord('the pair has no end_ts; tsc-align makes times of cycles')
        laneOf(names.of(record)).lane.add(record)
        return
      }
      account.take(record)
      if (type === clock && record.has(HAS_TS)) laneOf(names.of(record)).lane.reach(record)
    },
    end(out) {
      output = out
      if (lanes.size === 0) laneOf(host)
      for (const { lane } of lanes.values()) lane.end()
      const sum = (of: (kept: Kept) => number) => [...lanes.values()].reduce((all, kept) => all + of(kept), 0)
      const intervals = sum(({ interval }) => interval)
      return { line: `${intervals} interval${intervals === 1 ? '' : 's'}, ${sum(({ pairs }) => pairs)} pairs` }
    },
  }
}

const LONGEST_HOST = 64
/** What a record has room for. */
const MOST_SOURCES = 256
const MOST_ACCOUNTS = 64
const OTHER_SOURCES = 'further sources'

/** What a guest says of its own pairs is not this worker's word. */
function beside({ pairings, told, lost, bad, untold }: Figures): Pick<Told, 'bad' | 'lost' | 'accounts' | 'untold'> {
  const own = (pairings.length > 0 ? pairings : told).flatMap((account) => pairSummaryOf(account) ?? [])
  const accounts = own.filter(({ path }) => path.length <= LONGEST_PATH).slice(0, MOST_ACCOUNTS)
  return { bad, lost: lossesOf(lost), accounts, untold: untold + own.length - accounts.length }
}

/** In the order of their first loss; those for which there is no room as one. */
function lossesOf(lost: ReadonlyMap<string, LossSum>): Lost[] {
  const all = [...lost].map(([src, sum]) => ({ src, ...sum }))
  if (all.length <= MOST_SOURCES) return all
  const further = all.slice(MOST_SOURCES).reduce(
    (sum, { events, records, unknown }) => ({
      ...{ src: OTHER_SOURCES, events: sum.events + events },
      ...{ records: sum.records + records, unknown: sum.unknown + unknown },
    }),
    { src: OTHER_SOURCES, events: 0, records: 0, unknown: 0 },
  )
  return [...all.slice(0, MOST_SOURCES), further]
}

/** A row for each guest, and for what else is asked for. */
function labels({ keys, by }: EmitOptions, { vm }: HostNames): Label[] {
  const ofVm: Label = {
    name: 'vm',
    text: (record) => vm(record) ?? '-',
    members: (record) => ({ vm: vm(record) }),
  }
  const ofKey: Label = {
    name: 'key',
    text: ({ keyText = '-' }) => boundedKey(keyText),
    members: (record: RecordView) => ({ key: keyMember(record) }),
  }
  const members = by === undefined ? [] : labelsOf(by).filter(({ name }) => name !== 'key' && name !== 'vm')
  const others = members.map(({ name, text }) => {
    const bounded = (record: RecordView) => boundedKey(text(record))
    return { name, text: bounded, members: (record: RecordView) => ({ [name]: bounded(record) }) }
  })
  const byKey = keys || by?.split(',').includes('key')
  return [ofVm, ...(byKey ? [ofKey] : []), ...others]
}
