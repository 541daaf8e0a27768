/**
 * `export parquet`, `export duckdb`: tables in files, one for each, or all in one.
 *
 * They are made in a hidden folder beside the place where they belong, and moved there, whole, by rename(2) at the
 * end: whoever reads finds the file as it was before, or the new one. What fails leaves nothing under a final name.
 */
import { renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure, type Stage } from '../cli/tool.js'
import type { RecordView } from '../wire/record.js'
import { systemMessage } from '../wire/system-message.js'
import { type Database, openDatabase } from './database.js'
import { placing } from './placing.js'
import { rowOf, type TableName, tableOf, tables, type Value } from './rows.js'
import { workFolder } from './work-folder.js'

interface TableOptions {
  form: 'parquet' | 'duckdb'
  out: string
  host: string | undefined
}

export function tableFiles({ form, out, host }: TableOptions): Stage {
  const folder = workFolder(form === 'parquet' ? out : dirname(out))
  const work = join(folder, 'work.duckdb')
  const places = placing(host, (name) => name)
  /** What comes before anybody has asked whether it can be taken: records of a tool that reads nothing. */
  const early: [TableName, Value[]][] = []
  let database: Database | undefined

  async function opened(): Promise<void> {
    database = await openDatabase(work, false)
    for (const [table, row] of early.splice(0)) database.add(table, row)
  }

  function add(record: RecordView): void {
    const table = tableOf(record.type)
    const row = rowOf(table, record, places.of(record))
    if (database) database.add(table, row)
    else early.push([table, row])
  }

  async function write(made: Database): Promise<void> {
    if (form === 'duckdb') {
      await made.close()
      renameSync(work, out)
      return
    }
    const all = Object.keys(tables) as TableName[]
    const written = all.filter((table) => made.rows[table] > 0)
    for (const table of written) await made.parquet(table, join(folder, table))
    await made.close()
    for (const table of written) renameSync(join(folder, table), join(out, `${table}.parquet`))
    // that of an earlier run is no table of this one
    for (const table of all) if (!written.includes(table)) rmSync(join(out, `${table}.parquet`), { force: true })
  }

  return {
    ready: () => (database ? undefined : opened()),
    event: add,
    record: add,
    async end() {
      if (!database) await opened()
      const made = database as unknown as Database
      try {
        await write(made)
      } catch (error) {
        throw failureOf(error, out)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
      return { line: `${rowsText(made.rows) || 'nothing'} in ${out}` }
    },
  }
}

/** `1407 pairs, 19 records` */
export function rowsText(rows: Database['rows']): string {
  const counts = Object.entries(rows).filter(([, n]) => n > 0)
  return counts.map(([table, n]) => `${n} ${table}`).join(', ')
}

/** What the file system says is one line that names the place. */
export function failureOf(error: unknown, out: string): unknown {
  if (error instanceof Failure || !(error as NodeJS.ErrnoException).code) return error
  return new Failure(`${out}: ${systemMessage(error)}`)
}
