/**
 * `export parquet --partition-by`: a history, which grows run by run, and while a run goes on.
 *
 *     history/pairs/day=2026-11-22/host=node7/vm=web/m8x2k1-4f0a91c2-0.parquet
 *
 * Rows are gathered in a database on disk until there are --roll-rows of them, --roll is over, their texts are long, or
 * they are of many folders; then they become a set of files, one for each table and folder, made in a hidden folder and
 * linked to their places when the whole set is there. So what is held is one set, however long the run, and a reader
 * finds whole files only. No file is ever replaced.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Context, Failure, type Stage } from '../cli/tool.js'
import type { RecordView } from '../wire/record.js'
import { type Database, openDatabase } from './database.js'
import { folderName, partitions } from './partitions.js'
import { placing } from './placing.js'
import { rowOf, type TableName, tableOf, tables, type Value } from './rows.js'
import { failureOf, rowsText } from './tables.js'
import { workFolder } from './work-folder.js'

interface HistoryOptions {
  out: string
  by: readonly string[]
  host: string | undefined
  /** Of the files; undefined: one that no other run has. */
  name: string | undefined
  /** ms */
  roll: number
  rollRows: number
}

/** Files of one set: each takes a query of the database, some ms. */
const MOST_PARTITIONS = 10_000

export function history({ out, by, host, name, roll, rollRows }: HistoryOptions, context: Context): Stage {
  const folder = workFolder(out)
  const prefix = name ?? `${Date.now().toString(36)}-${randomBytes(4).toString('hex')}`
  const places = placing(host, folderName)
  const sum = Object.fromEntries(Object.keys(tables).map((table) => [table, 0])) as Database['rows']
  /** What comes before anybody has asked whether it can be taken: records of a tool that reads nothing. */
  const early: [TableName, Value[]][] = []
  let parts = partitions(by)
  let open: Database | undefined
  let held = 0
  let since = 0
  let sets = 0
  let files = 0
  /** Rows of no day that were told. */
  let told = 0

  async function opened(): Promise<void> {
    parts = partitions(by)
    open = await openDatabase(join(folder, `${sets}.duckdb`), true)
    for (const [table, row] of early.splice(0)) put(open, table, row)
  }

  function add(record: RecordView): void {
    const table = tableOf(record.type)
    const row = rowOf(table, record, places.of(record))
    if (open) put(open, table, row)
    else early.push([table, row])
  }

  function put(into: Database, table: TableName, row: Value[]): void {
    row.push(parts.of(table, row))
    try {
      into.add(table, row)
    } catch (error) {
      throw failure(error)
    }
    if (held++ === 0) since = performance.now()
  }

  function due(made: Database): boolean {
    if (held >= rollRows || made.crowded || parts.all.length >= MOST_PARTITIONS) return true
    return held > 0 && performance.now() - since >= roll
  }

  /** What is held becomes files. */
  async function write(made: Database): Promise<void> {
    const ready: { path: string; target: string }[] = []
    for (const { table, folder: at, number } of parts.all) {
      const path = join(folder, `${number}.parquet`)
      await made.parquet(table, path, { part: number, without: by })
      ready.push({ path, target: join(out, at, `${prefix}-${sets}.parquet`) })
    }
    await made.close()
    appear(ready)
    for (const { path } of ready) rmSync(path, { force: true })
    rmSync(join(folder, `${sets}.duckdb`))
    for (const table of Object.keys(sum) as TableName[]) sum[table] += made.rows[table]
    files += ready.length
    sets++
    held = 0
  }

  async function rolled(): Promise<void> {
    try {
      if (!open && early.length > 0) await opened()
      if (open && held > 0) await write(open)
    } catch (error) {
      throw failure(error)
    }
  }

  /** With the first set, so that a run of days does not say it at its end only. */
  function tellUndated(): void {
    const { undated, cycles } = places
    if (!by.includes('day') || undated === told) return
    told = undated
    const why =
      cycles === undated
        ? 'they have cycles, which tsc-align(1) makes times of'
        : 'no clock record with a ts and a wall came before them'
    context.warn(`${undated === 1 ? '1 row is' : `${undated} rows are`} of no day: ${why}`)
  }

  async function rollOver(): Promise<void> {
    await rolled()
    if (told === 0) tellUndated()
    await opened()
  }

  /** A failure is of this set: those before it are in their places. */
  function failure(error: unknown): unknown {
    const why = failureOf(error, out)
    const before = rowsText(sum)
    return before && why instanceof Failure ? new Failure(`${why.message}; ${before} are there`) : why
  }

  return {
    ready() {
      if (!open) return opened()
      return due(open) ? rollOver() : undefined
    },
    event: add,
    record: add,
    async end() {
      try {
        await rolled()
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
      tellUndated()
      return { line: `${rowsText(sum) || 'nothing'} in ${out}, ${files} files` }
    },
  }
}

/** The files of a set appear; that none is there already is looked at before the first one does. */
function appear(made: readonly { path: string; target: string }[]): void {
  const taken = made.find(({ target }) => existsSync(target))
  if (taken) throw new Failure(`${taken.target}: it is there already, and no file of a history is replaced`)
  for (const { path, target } of made) {
    mkdirSync(dirname(target), { recursive: true })
    place(path, target)
  }
}

/** A link is refused where somebody else has made that name meanwhile; not every file system has links. */
function place(path: string, target: string): void {
  try {
    linkSync(path, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error
    renameSync(path, target)
  }
}
