/** Why a line is not used, in words. */
import {
  LINE,
  LINE_END,
  MAX_DEPTH,
  MAX_LINE,
  REASON,
  REASON_AT,
  REASON_CPU,
  REASON_DELTA,
  REASON_DEPTH,
  REASON_ESCAPE,
  REASON_NAME_TYPE,
  REASON_NAMES,
  REASON_NO_EVENT,
  REASON_NOT_OBJECT,
  REASON_NUMBER,
  REASON_PID,
  REASON_STRING,
  REASON_SYNTAX,
  REASON_TEXT_LONG,
  REASON_TIME,
  REASON_TOO_LONG,
  REASON_TRAILING,
  REASON_UTF8,
} from '../assembly/layout.js'
import { MAX_TEXT } from '../assembly/text-layout.js'
import { utf8, words } from './memory.js'

const reasons: Record<number, string> = {
  [REASON_NOT_OBJECT]: 'not a JSON object',
  [REASON_STRING]: 'control character in a string, or a string without end',
  [REASON_ESCAPE]: 'wrong escape in a string',
  [REASON_NUMBER]: 'wrong number',
  [REASON_UTF8]: 'not UTF-8',
  [REASON_DEPTH]: `nested more than ${MAX_DEPTH} deep`,
  [REASON_SYNTAX]: 'not JSON',
  [REASON_TRAILING]: 'more after the object',
  [REASON_TIME]: 'ts or tsc is not an integer of 64 bits',
  [REASON_CPU]: 'cpu is no CPU number',
  [REASON_PID]: 'pid is no process id',
  [REASON_NAMES]: 'too many different names, or one too long',
  [REASON_NAME_TYPE]: 'event, src, vm or type is not a string',
  [REASON_DELTA]: 'delta is not an integer of 64 bits',
  [REASON_TOO_LONG]: `longer than ${MAX_LINE} bytes`,
  [REASON_NO_EVENT]: 'not an event',
  [REASON_TEXT_LONG]: `longer than ${MAX_TEXT} bytes`,
}

export function reasonText(code: number): string {
  return reasons[code] ?? `reason ${code}`
}

/** What is wrong with a row's line, with the place: `not JSON at column 12: {"ts":oops`. */
export function rowReason(row: number): string {
  const at = words[row + REASON_AT] as number
  const from = words[row + LINE] as number
  const end = words[row + LINE_END] as number
  const text = reasonText(words[row + REASON] as number)
  if (at < from || at > end) return text
  if (at === from && end - from > 0 && (words[row + REASON] as number) >= REASON_NO_EVENT)
    return `${text}: ${excerpt(from, from, end, 60)}`
  return `${text} at column ${at - from + 1}: ${excerpt(from, at, end)}`
}

function excerpt(from: number, at: number, end: number, length = 20): string {
  const first = Math.max(from, at - 20)
  const last = Math.min(end, at + length)
  return `${first > from ? '…' : ''}${utf8(first, last)}${last < end ? '…' : ''}`
}
