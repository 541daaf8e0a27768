/** The hidden folder in which files are made, beside the place where they appear by rename(2) when they are whole. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../cli/tool.js'
import { systemMessage } from '../wire/system-message.js'

/** On the same file system as the result, so that a rename is enough; gone when the process ends, however it does. */
export function workFolder(parent: string): string {
  // what a machine traced is its owner's alone; DuckDB makes files as the process may
  process.umask(0o077)
  try {
    mkdirSync(parent, { recursive: true })
    const folder = mkdtempSync(join(parent, '.vmpipe-export-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    return folder
  } catch (error) {
    throw new Failure(`${parent}: ${systemMessage(error)}`)
  }
}
