/** Marks: the records (or comments between text) that tell how many lines a session has sent. */
import { OWN, TEXT_CONTROL, TYPE } from '../assembly/layout.js'
import { parseComment } from '../wire/comment.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import { memberName, type RecordView } from '../wire/record.js'
import type { ControlKind } from './session.js'

export interface Mark {
  kind: ControlKind
  session: string
  sent: number
}

const MAX_SESSION = 64

/** The mark that a row is; null: it is none, and not counted either; undefined: a line like any other. */
export function markReader(): (record: RecordView) => Mark | null | undefined {
  const kinds = new Map<number, ControlKind>((['stream', 'clock', 'end'] as const).map((kind) => [idOf(kind), kind]))
  const session = memberName('session')
  const sent = memberName('sent')

  return (record) => {
    const { row } = record
    if (words[row + OWN] === TEXT_CONTROL) {
      const comment = parseComment(record.line)
      if (!comment || comment.kind === 'lost') return null
      const { kind, members } = comment
      // a script's first line has no count: nothing was before it
      const told = members.sent ?? (kind === 'stream' ? '0' : '')
      return mark(kind, members.session, /^\d{1,16}$/.test(String(told)) ? Number(told) : undefined)
    }
    const type = words[row + TYPE] as number
    const kind = type === 0 ? undefined : kinds.get(type)
    return kind && mark(kind, record.member(session), record.member(sent))
  }
}

function mark(kind: ControlKind, session: unknown, sent: unknown): Mark | null {
  if (typeof session !== 'string' || session === '' || session.length > MAX_SESSION) return null
  if (!Number.isSafeInteger(sent) || (sent as number) < 0) return null
  return { kind, session, sent: sent as number }
}
