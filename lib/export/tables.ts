/**
 * `export parquet`, `export duckdb`: tables in files.
 *
 * They are made in a hidden folder beside the place where they belong, and moved there, whole, by rename(2) at the
 * end: whoever reads finds the file as it was before, or the new one. What fails leaves nothing under a final name.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { Failure, type Stage } from '../cli/tool.js'
import { cut, shortened } from '../drawing/shortened.js'
import { wallOffset } from '../drawing/wall-time.js'
import { memberName, type RecordView } from '../wire/record.js'
import { systemMessage } from '../wire/system-message.js'
import { type Database, openDatabase } from './database.js'
import { rowOf, type TableName, tables, type Where } from './rows.js'

interface TableOptions {
  form: 'parquet' | 'duckdb'
  out: string
  by: readonly string[]
  /** Of the files in partitions; the same name replaces. */
  name: string
  host: string | undefined
}

const hostname = memberName('hostname')
const tableOf: Record<string, TableName> = { '': 'events', pair: 'pairs', lost: 'lost' }

const asItIs = (name: string) => name

/** A name becomes that of a folder, its odd signs three bytes each (%2F); a folder's name has at most 255. */
const MOST_ENCODED = 200

export function tableFiles({ form, out, by, name, host }: TableOptions): Stage {
  const folder = workFolder(form === 'parquet' ? out : dirname(out))
  const work = join(folder, 'work.duckdb')
  const hosts = new Map<string, string>()
  /** Wall clock less the stream's clock, by src. */
  const offsets = new Map<string, bigint>()
  let lastOffset: bigint | undefined
  let database: Database | undefined

  async function opened(): Promise<void> {
    database = await openDatabase(work)
  }

  function whereOf(record: RecordView): Where {
    const { src } = record
    const named = host ?? hosts.get('host') ?? hosts.get(src)
    // a guest's clock says nothing of the host's events
    const others = src === 'host' || src === '' ? undefined : lastOffset
    return { host: named, wallOffset: offsets.get(src) ?? others, named: by.length > 0 ? folderName : asItIs }
  }

  /** What a stream says of its machine and its clock. */
  function learn(record: RecordView): void {
    const { type, src } = record
    const name = type === 'stream' ? record.member(hostname) : undefined
    if (typeof name === 'string') hosts.set(src, shortened(name))
    const offset = type === 'clock' ? wallOffset(record) : undefined
    if (offset === undefined) return
    lastOffset = offset
    offsets.set(src, offset)
  }

  function add(record: RecordView): void {
    learn(record)
    const { type } = record
    const table = Object.hasOwn(tableOf, type) ? (tableOf[type] as TableName) : 'records'
    database?.add(table, rowOf(table, record, whereOf(record)))
  }

  async function write(made: Database): Promise<void> {
    if (form === 'duckdb') {
      await made.close()
      renameSync(work, out)
      return
    }
    const written = (Object.keys(tables) as TableName[]).filter((table) => made.rows[table] > 0)
    for (const table of written) await made.parquet(table, join(folder, table), by)
    await made.close()
    for (const table of written) {
      if (by.length === 0) renameSync(join(folder, table), join(out, `${table}.parquet`))
      else moveParts(join(folder, table), join(out, table), name)
    }
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
        if (error instanceof Failure || !(error as NodeJS.ErrnoException).code) throw error
        throw new Failure(`${out}: ${systemMessage(error)}`)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
      const counts = Object.entries(made.rows).filter(([, n]) => n > 0)
      const text = counts.map(([table, n]) => `${n} ${table}`).join(', ')
      return { line: `${text || 'nothing'} in ${out}` }
    },
  }
}

/** On the same file system as the result, so that a rename is enough; gone when the process ends, however it does. */
function workFolder(parent: string): string {
  try {
    mkdirSync(parent, { recursive: true })
    const folder = mkdtempSync(join(parent, '.vmpipe-export-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    return folder
  } catch (error) {
    throw new Failure(`${parent}: ${systemMessage(error)}`)
  }
}

/** `day=…/host=…/part-0.part` becomes `day=…/host=…/<name>-0.parquet`, folder by folder. */
function moveParts(from: string, to: string, name: string): void {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const folder = join(to, dirname(path).slice(from.length))
    mkdirSync(folder, { recursive: true })
    renameSync(path, join(folder, basename(path).replace(/^part-(\d+)\.part$/, `${name}-$1.parquet`)))
  }
}

function folderName(name: string): string {
  return encodeURIComponent(name.replaceAll(/\p{Cs}/gu, '?')).length > MOST_ENCODED ? cut(name, 12) : name
}
