/** The hidden folder in which files are made, beside the place where they appear by rename(2) when they are whole. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure } from '../cli/tool.js'
import { systemMessage } from '../wire/system-message.js'

/** On the same file system as the result, so that a rename is enough; gone when the process ends, however it does. */
export function workFolder(parent: string): string {
  // what a machine traced is its owner's alone; DuckDB makes files as the process may
  process.umask(0o077)
  try {
    makeFolder(parent)
    const folder = mkdtempSync(join(parent, '.vmpipe-export-'))
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    return folder
  } catch (error) {
    throw new Failure(`${parent}: ${systemMessage(error)}`)
  }
}

/** With those above it. node's own `recursive` never ends where a folder that is there takes none, as /proc. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || existsSync(dirname(path))) throw error
    makeFolder(dirname(path))
    makeFolder(path)
  }
}
