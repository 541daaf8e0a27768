/**
 * Problems: what is said on stderr, and the status that comes of it. One line each, control characters made
 * visible; after a number of the same kind only their count.
 */
import { writeSync } from 'node:fs'
import { oneLine, visible } from '../drawing/visible.js'
import { clearLine } from './terminal-line.js'

export interface Problems {
  readonly status: number
  warn(message: string): void
  problem(message: string): void
  bad(where: string, message: string): void
  /** How many records were kept out. */
  readonly badCount: number
  /** Says how many were not said. */
  close(): void
}

const SHOWN = 20

/** `before`: called ahead of each line. */
export function problems(tool: string, before: () => void = () => {}): Problems {
  let status = 0
  let bad = 0

  function tell(line: string): void {
    before()
    say(line)
  }

  return {
    get status() {
      return status
    },
    get badCount() {
      return bad
    },
    warn: (message) => tell(`${tool}: ${message}`),
    problem(message) {
      status = 1
      tell(`${tool}: ${message}`)
    },
    bad(where, message) {
      status = 1
      bad++
      if (bad <= SHOWN) tell(oneLine(`${tool}: ${where}: ${message}`))
    },
    close() {
      if (bad > SHOWN) tell(`${tool}: ${bad} bad lines in all, the first ${SHOWN} shown`)
    },
  }
}

/** A line on stderr that can do nothing to a terminal. stderr may be closed: then there is nobody to tell. */
export function say(line: string): void {
  clearLine()
  try {
    writeSync(2, `${visible(line)}\n`)
  } catch {
    // nothing is left to say it on
  }
}
