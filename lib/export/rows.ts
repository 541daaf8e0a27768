/**
 * Records as rows of four tables. 64-bit values are 64-bit columns, exact to the last digit: `ts` and durations are
 * BIGINT, cycles UBIGINT. What has no fixed shape (`args`, a summary) is JSON text.
 *
 * `wall_ns` is nanoseconds since 1970, where a clock sample told how the stream's clock relates to it; `day` is its
 * date, UTC. `host` is the machine that the guests ran on.
 */
import { HAS_TS } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import { lossOf, timeOf } from '../wire/lost.js'
import { memberName, type RecordView } from '../wire/record.js'

export type Value = string | number | bigint | null
export type ColumnType = 'BIGINT' | 'UBIGINT' | 'INTEGER' | 'VARCHAR' | 'DATE'
export type TableName = keyof typeof tables

/** What is known of a row besides its record. */
export interface Where {
  host: string | undefined
  /** Wall clock less the stream's; undefined: unknown, or the row's time is no ns. */
  wallOffset: bigint | undefined
  /** How host, vm and src are written. */
  named(name: string): string
}

type Columns = Record<string, ColumnType>

const place = { host: 'VARCHAR', vm: 'VARCHAR', src: 'VARCHAR' } as const satisfies Columns
const when = { wall_ns: 'BIGINT', day: 'DATE' } as const satisfies Columns

export const tables = {
  events: {
    ...{ ...place, event: 'VARCHAR', ts: 'BIGINT', tsc: 'UBIGINT', ...when, cpu: 'INTEGER', pid: 'INTEGER' },
    ...{ comm: 'VARCHAR', flags: 'VARCHAR', key: 'VARCHAR', args: 'VARCHAR', text: 'VARCHAR', stack: 'VARCHAR' },
  },
  pairs: {
    ...{ ...place, start: 'VARCHAR', end: 'VARCHAR', key: 'VARCHAR', start_ts: 'BIGINT', end_ts: 'BIGINT' },
    ...{ delta_ns: 'BIGINT', start_tsc: 'UBIGINT', end_tsc: 'UBIGINT', delta_tsc: 'BIGINT', ...when },
    ...{ start_src: 'VARCHAR', start_cpu: 'INTEGER', start_pid: 'INTEGER' },
    ...{ end_src: 'VARCHAR', end_cpu: 'INTEGER', end_pid: 'INTEGER' },
  },
  lost: { ...place, cpu: 'INTEGER', count: 'BIGINT', from: 'BIGINT', to: 'BIGINT', ...when },
  records: { ...place, type: 'VARCHAR', ts: 'BIGINT', ...when, record: 'VARCHAR' },
} as const satisfies Record<string, Columns>

const [args, stack] = [memberName('args'), memberName('stack')]
const [startTs, startTsc, endTs, endTsc] = ['start_ts', 'start_tsc', 'end_ts', 'end_tsc'].map(memberName)
const [startSrc, endSrc] = ['start_src', 'end_src'].map(memberName)
const [startCpu, startPid, endCpu, endPid] = ['start_cpu', 'start_pid', 'end_cpu', 'end_pid'].map(memberName)

const columnsOf = Object.fromEntries(Object.entries(tables).map(([table, columns]) => [table, Object.keys(columns)]))

/** The values of a row, in the order of the table's columns. */
export function rowOf(table: TableName, record: RecordView, where: Where): Value[] {
  const { src, vm } = record
  const { host, named } = where
  const row = makers[table](record, where) as Record<string, Value | undefined>
  row.host = host && named(host)
  row.vm = vm && named(vm)
  row.src = src && named(src)
  return (columnsOf[table] as string[]).map((name) => {
    const value = row[name]
    return value === undefined || value === '' ? null : value
  })
}

const makers: Record<TableName, (record: RecordView, where: Where) => object> = {
  events: (record, where) => {
    const { time, event, cpu, pid, comm, flags, keyText: key, text } = record
    const ns = record.has(HAS_TS)
    const ts = ns ? time : undefined
    const tsc = ns || time === undefined ? undefined : BigInt.asUintN(64, time)
    const wall = wallOf(ts, where)
    const fields = { args: record.json(args), text, stack: record.json(stack) }
    return { event, ts, tsc, wall_ns: wall, day: dayOf(wall), cpu, pid, comm, flags, key, ...fields }
  },
  pairs: (record, where) => {
    const { start, end, keyText: key, src } = record
    const ns = record.has(HAS_TS)
    const from = timeOf(memberOf(record, ns ? startTs : startTsc))
    const to = timeOf(memberOf(record, ns ? endTs : endTsc))
    if (from === undefined || to === undefined)
      throw new BadRecord('the pair has no start_ts and end_ts, or start_tsc and end_tsc')
    const wall = ns ? wallOf(to, where) : undefined
    const seen = {
      start_src: text(record, startSrc) ?? src,
      start_cpu: small(record, startCpu),
      start_pid: small(record, startPid),
      end_src: text(record, endSrc) ?? src,
      end_cpu: small(record, endCpu),
      end_pid: small(record, endPid),
      wall_ns: wall,
      day: dayOf(wall),
    }
    if (ns) return { start, end, key, start_ts: from, end_ts: to, delta_ns: record.delta, ...seen }
    const cycles = { start_tsc: BigInt.asUintN(64, from), end_tsc: BigInt.asUintN(64, to), delta_tsc: record.delta }
    return { start, end, key, ...cycles, ...seen }
  },
  lost: (record, where) => {
    const { cpu, count, from, to } = lossOf(record)
    const wall = wallOf(from ?? to, where)
    return { cpu, count: count === undefined ? undefined : BigInt(count), from, to, wall_ns: wall, day: dayOf(wall) }
  },
  records: (record, where) => {
    const ts = record.has(HAS_TS) ? record.time : undefined
    const wall = wallOf(ts, where)
    return { type: record.type, ts, wall_ns: wall, day: dayOf(wall), record: record.line }
  },
}

type Member = ReturnType<typeof memberName>

function memberOf(record: RecordView, member: Member | undefined) {
  return member && record.member(member)
}

function text(record: RecordView, member: Member | undefined): string | undefined {
  const value = memberOf(record, member)
  return typeof value === 'string' ? value : undefined
}

function small(record: RecordView, member: Member | undefined): number | undefined {
  const value = memberOf(record, member)
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : undefined
}

function wallOf(time: bigint | undefined, { wallOffset }: Where): bigint | undefined {
  return time === undefined || wallOffset === undefined ? undefined : time + wallOffset
}

const DAY = 86_400_000_000_000n

/** Days since 1970. */
function dayOf(wall: bigint | undefined): number | undefined {
  return wall === undefined ? undefined : Number((wall < 0n ? wall - DAY + 1n : wall) / DAY)
}
