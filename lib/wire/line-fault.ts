/** Lines that are made of what others wrote: whether the filters behind will take them. */
import { MAX_LINE, REASON, REASON_TOO_LONG, ROW_WORDS } from '../assembly/layout.js'
import { allocate, bytes, words } from './memory.js'
import { reasonText } from './reasons.js'
import { rescan } from './record.js'

const SLACK = 64

/** Answers why no filter would take the line; undefined: all do. */
export function lineFault(): (line: string) => string | undefined {
  const row = allocate(ROW_WORDS * 4)
  const room = allocate(MAX_LINE + SLACK)
  return (line) => {
    const length = Buffer.byteLength(line)
    if (length > MAX_LINE) return reasonText(REASON_TOO_LONG)
    bytes.write(line, room, 'utf8')
    const reason = words[rescan(room, room + length, row) + REASON] as number
    return reason === 0 ? undefined : reasonText(reason)
  }
}
