/**
 * Partitions of a history: rows of the same day, host, vm or src are in one folder, named as Hive did it and every
 * reader of Parquet knows it, `pairs/day=2026-11-22/host=node7/vm=web`.
 *
 * A guest chooses names: what is no letter, digit or one of `-_.~` is escaped (`%2F`), so that a name is one folder,
 * and none of those that readers take for "not known".
 */
import { join } from 'node:path'
import { cut } from '../drawing/shortened.js'
import { columnsOf, type TableName, type Value } from './rows.js'

export interface Partition {
  table: TableName
  folder: string
  number: number
}

export interface Partitions {
  /** The number of the partition that a row of a table is in. */
  of(table: TableName, row: readonly Value[]): number
  readonly all: readonly Partition[]
}

const UNKNOWN = '__HIVE_DEFAULT_PARTITION__'
/** Escaped, of 255 that the name of a folder may have. */
const MOST_ESCAPED = 200

export function partitions(by: readonly string[]): Partitions {
  const all: Partition[] = []
  const known = new Map<string, number>()
  const places = Object.fromEntries(
    Object.entries(columnsOf).map(([table, columns]) => [table, by.map((column) => columns.indexOf(column))]),
  )

  function made(table: TableName, values: readonly Value[]): number {
    const folder = join(table, ...values.map((value, i) => `${by[i]}=${folderValue(value)}`))
    return all.push({ table, folder, number: all.length }) - 1
  }

  return {
    all,
    of(table, row) {
      const values = (places[table] ?? []).map((place) => row[place] ?? null)
      // null and a name differ, for no name is empty
      const key = `${table}\0${values.join('\0')}`
      const number = known.get(key) ?? made(table, values)
      known.set(key, number)
      return number
    },
  }
}

/** A name that fits into a folder's, and is none of those that mean nothing. */
export function folderName(name: string): string {
  if (/^(?:null|__hive_default_partition__)$/i.test(name)) return cut(name, name.length)
  return escaped(name).length > MOST_ESCAPED ? cut(name, 12) : name
}

/** A day is a number of days since 1970. */
function folderValue(value: Value): string {
  if (typeof value === 'number') return new Date(value * 86_400_000).toISOString().slice(0, 10)
  return value === null ? UNKNOWN : escaped(String(value))
}

function escaped(name: string): string {
  if (/^[\w.~-]*$/.test(name)) return name
  return encodeURIComponent(name.replaceAll(/\p{Cs}/gu, '\ufffd')).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
