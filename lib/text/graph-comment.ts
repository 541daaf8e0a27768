/**
 * What another tracepoint printed between the functions, as the event that it is: `sched_waking: comm=a pid=3`. It is
 * read as a line of `trace` would be, whose text after the head is the same. What has no name is trace_printk's.
 */
import { REASON, ROW_WORDS } from '../assembly/layout.js'
import { TEXT_FTRACE } from '../assembly/text-layout.js'
import { allocate, bytes, scanner, words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import { RecordView } from '../wire/record.js'
import { textLine } from './line.js'

export interface CommentEvent {
  event: string
  args: Record<string, unknown>
  text?: string | undefined
}

const ROOM = 1 << 16

export function commentEvents(): (text: string) => CommentEvent {
  const rows = allocate(ROW_WORDS * 4)
  const line = allocate(ROOM + 256)
  const view = new RecordView()
  view.renderer = textLine
  scanner.openText(TEXT_FTRACE, idOf('host'), idOf('guest'), idOf('lost'))

  return (text) => {
    const unnamed = { event: 'print', args: {}, text }
    if (!/^[A-Za-z_]\w*: ?/.test(text) || text.length * 3 > ROOM - 64) return unnamed
    const end = line + bytes.write(`a-1 [000] 1.000000: ${text}\n`, line, 'utf8')
    const count = scanner.scanText(line, end, rows, 1, true, false)
    view.row = rows >> 2
    if (count !== 1 || words[view.row + REASON] !== 0) return unnamed
    return { event: view.event, args: view.args, text: view.text }
  }
}
