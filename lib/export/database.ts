/**
 * A DuckDB database that tables are put into, and come out of as Parquet. The package @duckdb/node-api is loaded when
 * it is wanted, for it is large, and few want it.
 *
 * Rows are handed over 2048 at a time, the size of DuckDB's own vectors; it holds them on disk, and in memory no more
 * than MEMORY, beside what it compresses at the moment.
 */
import type { DuckDBAppender, DuckDBDataChunk, DuckDBValue } from '@duckdb/node-api'
import { Failure } from '../cli/tool.js'
import { type ColumnType, type TableName, tables, type Value } from './rows.js'

export interface Database {
  /** `row` in the order of the table's columns; last, where there are parts, the number of its part. */
  add(table: TableName, row: readonly Value[]): void
  readonly rows: Record<TableName, number>
  /** The texts are so long that DuckDB can hardly hold a group of rows, which it compresses at once. */
  readonly crowded: boolean
  /** A table as one file, or a part of it without some of its columns. */
  parquet(table: TableName, path: string, of?: { part: number; without: readonly string[] }): Promise<void>
  close(): Promise<void>
}

interface Held {
  appender: DuckDBAppender
  /** Used again and again: its memory is not the garbage collector's. */
  chunk: DuckDBDataChunk
  types: readonly ColumnType[]
  columns: Value[][]
  rows: number
  /** Bytes of its texts, and of the texts of the group before it. */
  size: number
  grouped: number
}

const VECTOR = 2048
/** Rows that DuckDB compresses together, and how many bytes of theirs fit into MEMORY with all that it does to them. */
const GROUP = 122_880
const MOST_GROUPED = 1 << 25
/** A line may have a mebibyte. */
const MOST_TEXT = 1 << 23
/** The column that says which part a row is of. */
const PART = 'part'
const MEMORY = '256MB'
/** What it has freed goes back to the system from here on, and does not wait for 128 MiB. */
const FLUSH = '1MB'

export async function openDatabase(path: string, parts: boolean): Promise<Database> {
  const duckdb = await load()
  // one thread writes one file, in the order of the rows
  const settings = {
    threads: '1',
    memory_limit: MEMORY,
    allocator_flush_threshold: FLUSH,
    allocator_bulk_deallocation_flush_threshold: FLUSH,
  }
  const instance = await said(() => duckdb.DuckDBInstance.create(path, settings))
  const connection = await instance.connect()
  const names = Object.keys(tables) as TableName[]
  const rows = Object.fromEntries(names.map((name) => [name, 0])) as Record<TableName, number>
  const held = {} as Record<TableName, Held>
  let done = false
  let crowded = false
  for (const name of names) {
    const columns = Object.entries<ColumnType>({ ...tables[name], ...(parts ? { [PART]: 'INTEGER' } : {}) })
    await connection.run(`CREATE TABLE ${name} (${columns.map(([column, type]) => `"${column}" ${type}`).join(', ')})`)
    const appender = await connection.createAppender(name)
    const chunk = duckdb.DuckDBDataChunk.create(columns.map(([, type]) => duckdb[type]))
    held[name] = {
      appender,
      chunk,
      types: columns.map(([, type]) => type),
      columns: columns.map(() => []),
      rows: 0,
      size: 0,
      grouped: 0,
    }
  }
  // one transaction: nothing is written twice, to a log and to the table
  await connection.run('BEGIN')

  function flush(some: Held): void {
    if (some.rows === 0) return
    const columns = some.columns.map((values, i) => (some.types[i] === 'DATE' ? values.map(date) : values))
    const { chunk } = some
    chunk.reset()
    chunk.rowCount = some.rows
    chunk.setColumns(columns)
    saidAtOnce(() => some.appender.appendDataChunk(chunk))
    for (const values of some.columns) values.length = 0
    some.grouped += some.size
    some.rows = some.size = 0
    if (some.grouped > MOST_GROUPED) crowded = true
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
    get crowded() {
      return crowded
    },
    add(table, row) {
      const some = held[table]
      if (rows[table]++ % GROUP === 0) some.grouped = 0
      for (let i = 0; i < row.length; i++) {
        const value = row[i] as Value
        if (typeof value === 'string') some.size += Buffer.byteLength(value)
        ;(some.columns[i] as Value[]).push(value)
      }
      some.rows++
      if (some.rows >= VECTOR || some.size > MOST_TEXT) flush(some)
    },
    async parquet(table, path, of) {
      await flushed()
      const some = of
        ? `(SELECT * EXCLUDE (${[PART, ...of.without].join(', ')}) FROM ${table} WHERE ${PART} = ${of.part})`
        : table
      await said(() =>
        connection.run(`COPY ${some} TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`),
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
