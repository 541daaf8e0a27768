/**
 * A line on the terminal that comes and goes: on stderr, over itself, and away before anything else is said.
 *
 * Only what every terminal knows is written, CR and blanks. The cursor waits at the line's beginning, so that another
 * process's output begins there. There is one terminal a process, hence one line.
 */
import { readFileSync, writeSync } from 'node:fs'
import { isatty, WriteStream } from 'node:tty'

let width = 0
let given = false
let stream: WriteStream | undefined

/** stderr is a terminal on which a line can be written anew, and results do not go to the same one. */
export function hasTerminalLine(): boolean {
  const { TERM = 'dumb' } = process.env
  return !given && TERM !== 'dumb' && isatty(2) && inForeground()
}

/** A terminal without a size (a serial line) is taken for one of 80 columns. */
export function terminalColumns(): number {
  stream ??= new WriteStream(2)
  return stream.getWindowSize()[0] || 80
}

/** The line as it is now: printable ASCII, shorter than the terminal is wide. */
export function showLine(text: string): void {
  if (width === 0) process.once('exit', clearLine)
  put(`\r${text.padEnd(width)}\r`)
  width = text.length
}

/** Takes the line away, if there is one. */
export function clearLine(): void {
  if (width === 0) return
  put(`\r${' '.repeat(width)}\r`)
  width = 0
}

/** Results are about to go to stdout; if that is a terminal, they have it from now on. */
export function giveWay(): void {
  if (given || !isatty(1)) return
  given = true
  clearLine()
}

function put(text: string): void {
  try {
    writeSync(2, text)
  } catch {
    // a terminal that takes nothing more misses nothing
  }
}

/**
 * proc_pid_stat(5): pgrp and tpgid, the fifth and eighth field; the comm before them may hold anything. A job in the
 * background does not draw over what the user types. Where nothing can be told, it is taken for the foreground.
 */
function inForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    const [, , , pgrp, , , tpgid] = stat.slice(stat.lastIndexOf(')') + 1).split(' ')
    return tpgid === '-1' || pgrp === tpgid
  } catch {
    return true
  }
}
