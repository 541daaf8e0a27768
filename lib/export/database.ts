/**
 * A DuckDB database that tables are put into, and come out of as Parquet. The package @duckdb/node-api is loaded when
 * it is wanted, for it is large, and few want it.
 *
 * Rows are handed over 2048 at a time, the size of DuckDB's own vectors; it holds them on disk, and in memory no more
 * than MEMORY.
 */
import type { DuckDBAppender, DuckDBValue } from '@duckdb/node-api'
import { Failure } from '../cli/tool.js'
import { type ColumnType, type TableName, tables, type Value } from './rows.js'

export interface Database {
  add(table: TableName, row: readonly Value[]): void
  readonly rows: Record<TableName, number>
  /** One file of a table, or, with columns to part by, a folder for each of their values. */
  parquet(table: TableName, path: string, by: readonly string[]): Promise<void>
  close(): Promise<void>
}

interface Held {
  appender: DuckDBAppender
  types: readonly ColumnType[]
  columns: Value[][]
  rows: number
  /** Characters of its texts. */
  size: number
}

const VECTOR = 2048
/** A line may have a mebibyte. */
const MOST_TEXT = 1 << 23
const MEMORY = '256MB'

export async function openDatabase(path: string): Promise<Database> {
  const duckdb = await load()
  // one thread writes one file, in the order of the rows
  const instance = await said(() => duckdb.DuckDBInstance.create(path, { threads: '1', memory_limit: MEMORY }))
  const connection = await instance.connect()
  const names = Object.keys(tables) as TableName[]
  const rows = Object.fromEntries(names.map((name) => [name, 0])) as Record<TableName, number>
  const held = {} as Record<TableName, Held>
  let done = false
  for (const name of names) {
    const columns = Object.entries(tables[name])
    await connection.run(`CREATE TABLE ${name} (${columns.map(([column, type]) => `"${column}" ${type}`).join(', ')})`)
    const appender = await connection.createAppender(name)
    held[name] = { appender, types: columns.map(([, type]) => type), columns: columns.map(() => []), rows: 0, size: 0 }
  }
  // one transaction: nothing is written twice, to a log and to the table
  await connection.run('BEGIN')

  function flush(some: Held): void {
    if (some.rows === 0) return
    const types = some.types.map((type) => duckdb[type])
    const columns = some.columns.map((values, i) => (some.types[i] === 'DATE' ? values.map(date) : values))
    const chunk = duckdb.DuckDBDataChunk.create(types, some.rows)
    chunk.setColumns(columns)
    some.columns = types.map(() => [])
    some.rows = some.size = 0
    saidAtOnce(() => some.appender.appendDataChunk(chunk))
  }

  function date(days: Value): DuckDBValue {
    return typeof days === 'number' ? new duckdb.DuckDBDateValue(days) : null
  }

  /** All rows are in their tables. */
  async function flushed(): Promise<void> {
    if (done) return
    done = true
    for (const name of names) {
      flush(held[name])
      saidAtOnce(() => held[name].appender.closeSync())
    }
    await said(() => connection.run('COMMIT'))
  }

  return {
    rows,
    add(table, row) {
      rows[table]++
      const some = held[table]
      for (let i = 0; i < row.length; i++) {
        const value = row[i] as Value
        if (typeof value === 'string') some.size += value.length
        ;(some.columns[i] as Value[]).push(value)
      }
      some.rows++
      if (some.rows >= VECTOR || some.size > MOST_TEXT) flush(some)
    },
    async parquet(table, path, by) {
      await flushed()
      const parts =
        by.length > 0 ? `, PARTITION_BY (${by.join(', ')}), FILENAME_PATTERN 'part-{i}', FILE_EXTENSION 'part'` : ''
      await said(() =>
        connection.run(`COPY ${table} TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd${parts})`),
      )
    },
    async close() {
      await flushed()
      await said(() => connection.run('CHECKPOINT'))
      connection.closeSync()
      instance.closeSync()
    },
  }
}

async function load(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api')
  } catch (error) {
    if (
      (error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND' &&
      (error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND'
    )
      throw new Failure(`the package @duckdb/node-api cannot be loaded: ${firstLine(error)}`)
    throw new Failure(
      'this format needs the package @duckdb/node-api: npm install @duckdb/node-api, where vmpipe is installed (70 MB)',
    )
  }
}

/** What DuckDB says is one line, and no stack. */
async function said<T>(what: () => Promise<T>): Promise<T> {
  try {
    return await what()
  } catch (error) {
    throw new Failure(`DuckDB: ${firstLine(error)}`)
  }
}

function saidAtOnce(what: () => void): void {
  try {
    what()
  } catch (error) {
    throw new Failure(`DuckDB: ${firstLine(error)}`)
  }
}

function firstLine(error: unknown): string {
  return String((error as Error).message).split('\n')[0] ?? ''
}
