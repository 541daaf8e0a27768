/** What DuckDB answers, asked in a folder: names of files in SQL are relative to it. */
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'

export async function asked(dir: string, sql: string, file = ':memory:'): Promise<DuckDBValue[][]> {
  const cwd = process.cwd()
  process.chdir(dir)
  const instance = await DuckDBInstance.create(file)
  try {
    const connection = await instance.connect()
    return (await connection.runAndReadAll(sql)).getRows()
  } finally {
    instance.closeSync()
    process.chdir(cwd)
  }
}
