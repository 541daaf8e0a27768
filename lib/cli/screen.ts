/**
 * stdout as a terminal: how many colours it has, how wide it is, and a text on it that the next one takes the place of.
 *
 * Nothing is overwritten that nobody could have read: a text gives way only if it has stood for some time, and if all
 * of it is on the screen. So the tables of a live stream change in place, those of a file stand below each other.
 *
 * No colours with NO_COLOR (no-color.org: set, and not empty). A terminal that is `dumb`, or of no type, is none.
 */
import { isatty, WriteStream } from 'node:tty'
import { type Colours, columnsOf } from '../drawing/colour.js'
import type { Terminal } from './tool.js'

export interface Screen extends Terminal {
  /** Something else is about to be written: the text shown last stays. */
  leave(): void
}

/** `print`: to stdout. */
export function screen(print: (text: string) => void): Screen | undefined {
  const { TERM = 'dumb' } = process.env
  if (TERM === 'dumb' || !isatty(1)) return undefined
  const stream = new WriteStream(1)
  let lines = 0
  let since = 0
  return {
    colours: coloursOf(process.env),
    columns: () => sizeOf(stream).columns,
    rows: () => sizeOf(stream).rows,
    leave() {
      lines = 0
    },
    show(text, ms) {
      const now = performance.now()
      const { columns, rows } = sizeOf(stream)
      // the cursor stands below the text, on a line of its own
      const over = lines > 0 && lines < rows && now - since >= ms
      print(over ? `\x1b[${lines}F\x1b[J${text}` : text)
      lines = linesOf(text, columns)
      since = now
    },
  }
}

function coloursOf({ NO_COLOR, COLORTERM, TERM = 'dumb' }: NodeJS.ProcessEnv): Colours {
  if (NO_COLOR || TERM === 'dumb') return 0
  return COLORTERM || TERM.includes('256') ? 256 : 16
}

/** A terminal without a size (a serial line) is taken for one of 80 columns and 24 lines. */
function sizeOf(stream: WriteStream): { columns: number; rows: number } {
  const [columns, rows] = stream.getWindowSize()
  return { columns: columns || 80, rows: rows || 24 }
}

/** The lines that a text takes on the screen; a long one goes on in the next. It ends with a newline. */
export function linesOf(text: string, columns: number): number {
  return text
    .split('\n')
    .slice(0, -1)
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(columnsOf(line) / columns)), 0)
}
