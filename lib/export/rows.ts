/**
 * Records as rows of four tables. 64-bit values are 64-bit columns, exact to the last digit: `ts` and durations are
 * BIGINT, cycles UBIGINT. What has no fixed shape (`args`, a summary) is JSON text. `host` is the machine that the
 * guests ran on.
 */
import { HAS_TS } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import { lossOf, timeOf } from '../wire/lost.js'
import { memberName, type RecordView } from '../wire/record.js'
import type { Where } from './placing.js'

export type Value = string | number | bigint | null
export type ColumnType = 'BIGINT' | 'UBIGINT' | 'INTEGER' | 'VARCHAR' | 'DATE'
export type TableName = keyof typeof tables

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
    ...{ end_src: 'VARCHAR', end_cpu: 'INTEGER', end_pid: 'INTEGER', fields: 'VARCHAR' },
  },
  lost: { ...place, cpu: 'INTEGER', count: 'BIGINT', from: 'BIGINT', to: 'BIGINT', ...when },
  records: { ...place, type: 'VARCHAR', ts: 'BIGINT', ...when, record: 'VARCHAR' },
} as const satisfies Record<string, Columns>

const [args, stack] = [memberName('args'), memberName('stack')]

const ends = ['end_ts', 'until_ts', 'start_ts'].map(memberName)
/** What a pair's columns have; the others are of the row itself. */
const ownColumns = ['wall_ns', 'day', 'fields', 'host']
const pairMembers = new Set(['type', ...Object.keys(tables.pairs).filter((name) => !ownColumns.includes(name))])

/** Their names, in their order. */
export const columnsOf: Record<TableName, readonly string[]> = {
  events: Object.keys(tables.events),
  pairs: Object.keys(tables.pairs),
  lost: Object.keys(tables.lost),
  records: Object.keys(tables.records),
}

const tableOfType: Record<string, TableName> = { '': 'events', pair: 'pairs', lost: 'lost' }

/** Where records of a type are put. */
export function tableOf(type: string): TableName {
  return Object.hasOwn(tableOfType, type) ? (tableOfType[type] as TableName) : 'records'
}

/** The values of a row, in the order of the table's columns. */
export function rowOf(table: TableName, record: RecordView, where: Where): Value[] {
  const { src, vm } = record
  const { host, named } = where
  const row = makers[table](record, where) as Record<string, Value | undefined>
  row.host = host && named(host)
  row.vm = vm && named(vm)
  row.src = src && named(src)
  return columnsOf[table].map((name) => {
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
    const fields = { args: record.json(args), text, stack: record.json(stack) }
    return {
      event,
      ts,
      tsc,
      ...where.when(ts ?? (tsc === undefined ? 'none' : 'cycles')),
      cpu,
      pid,
      comm,
      flags,
      key,
      ...fields,
    }
  },
  pairs: (record, where) => {
    const { start, end, keyText: key, src } = record
    const ns = record.has(HAS_TS)
    const said = record.members
    const from = timeOf(ns ? said.start_ts : said.start_tsc)
    const to = timeOf(ns ? said.end_ts : said.end_tsc)
    if (from === undefined || to === undefined)
      throw new BadRecord('the pair has no start_ts and end_ts, or start_tsc and end_tsc')
    const seen = {
      start_src: text(said.start_src) ?? src,
      start_cpu: small(said.start_cpu),
      start_pid: small(said.start_pid),
      end_src: text(said.end_src) ?? src,
      end_cpu: small(said.end_cpu),
      end_pid: small(said.end_pid),
      fields: fieldsOf(said),
      ...where.when(ns ? to : 'cycles'),
    }
    if (ns) return { start, end, key, start_ts: from, end_ts: to, delta_ns: record.delta, ...seen }
    const cycles = { start_tsc: BigInt.asUintN(64, from), end_tsc: BigInt.asUintN(64, to), delta_tsc: record.delta }
    return { start, end, key, ...cycles, ...seen }
  },
  lost: (record, where) => {
    const { cpu, count, from, to } = lossOf(record)
    const time = from ?? to ?? 'none'
    return {
      cpu,
      count: count === undefined ? undefined : BigInt(count),
      from,
      to,
      ...where.when(time !== 'none' && where.cycles ? 'cycles' : time),
    }
  },
  records: (record, where) => {
    const ts = record.has(HAS_TS) ? record.time : endOf(record)
    return { type: record.type, ts, ...where.when(ts ?? 'none'), record: record.line }
  },
}

/** The time of what has none of its own: where a chain or a delay ended, until when a histogram is, when a call began. */
function endOf(record: RecordView): bigint | undefined {
  for (const member of ends) {
    const time = timeOf(record.member(member))
    if (time !== undefined) return time
  }
  return undefined
}

/** What a pair says that has no column: members that `pair --with` and task-state(1) add. */
function fieldsOf(said: Record<string, unknown>): string | undefined {
  const names = Object.keys(said).filter((name) => !pairMembers.has(name))
  return names.length > 0 ? JSON.stringify(Object.fromEntries(names.map((name) => [name, said[name]]))) : undefined
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function small(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? value : undefined
}
