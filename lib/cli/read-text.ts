/** A file that an option names, whole: what is wrong with it ends the run in one line. */
import { readFileSync } from 'node:fs'
import { systemMessage } from '../wire/system-message.js'
import { Failure } from './tool.js'

/** Throws a Failure with the path and the system's reason. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failure(`${path}: ${systemMessage(error)}`)
  }
}
