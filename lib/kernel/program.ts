/**
 * From an event's format to its program: what the decoder (assembly/ring-event.ts) does to write the event's
 * line. Function addresses become the names of functions, as the kernel prints them.
 */
import {
  FIELD_COUNT,
  FIELD_HEAD,
  FIELD_KIND,
  FIELD_OFFSET,
  FIELD_PLACE,
  FIELD_SIGNED,
  FIELD_SIZE,
  FIELD_WORDS,
  KIND_NUMBER,
  KIND_PRINTK,
  KIND_SYMBOL,
  KIND_TEXT,
  PLACE_AT,
  PLACE_LOC,
  PLACE_REL,
  PLACE_REST,
  PROGRAM_EVENT,
  PROGRAM_FIELDS,
  PROGRAM_FLAGS,
  PROGRAM_HEAD,
  PROGRAM_LEARN,
  PROGRAM_NOTE,
  PROGRAM_PIDS,
  PROGRAM_SKIP,
  PROGRAM_STACK,
  PROGRAM_WORDS,
} from '../assembly/ring-layout.js'
import { allocate, bytes, scanner, words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { Field, Format } from './format.js'

/** The longest member name and event name that are taken. */
const MAX_FIELDS = 128

/** Events of the kernel's own whose addresses are functions. */
const symbols: Record<string, readonly string[]> = {
  'ftrace:function': ['ip', 'parent_ip'],
  'ftrace:funcgraph_entry': ['func', 'parent_ip', 'retaddr'],
  'ftrace:funcgraph_exit': ['func', 'parent_ip', 'retaddr'],
}

/** Those that hold the address of a format text. */
const printks: Record<string, string> = { 'ftrace:bprint': 'fmt', 'ftrace:bputs': 'str' }

/** Pairs of pid and comm by which an event tells a thread's comm. */
const tellComm: readonly (readonly [string, string])[] = [
  ['prev_pid', 'prev_comm'],
  ['next_pid', 'next_comm'],
  ['pid', 'comm'],
]

const places = { at: PLACE_AT, loc: PLACE_LOC, rel: PLACE_REL, rest: PLACE_REST } as const

/** What shall become of an event: its line; nothing; a note for whoever merges. */
export type Use = 'event' | 'skip' | 'note'

/** Makes the decoder know the events of `system` with this format, seen by `src`. */
export function learnFormat(system: string, format: Format, src: string, use: Use = 'event'): void {
  const event = `${system}:${format.name}`
  const stack = event === 'ftrace:kernel_stack'
  const fields = (stack ? format.fields.filter(({ name }) => name === 'caller').map(dynamic) : format.fields).slice(
    0,
    MAX_FIELDS,
  )
  const program = allocate((PROGRAM_WORDS + fields.length * FIELD_WORDS) * 4)
  const at = program >> 2
  words.fill(0, at, at + PROGRAM_WORDS + fields.length * FIELD_WORDS)
  // the names of what is not wanted need not be remembered: there are 65536 ids, and room for fewer names
  words[at + PROGRAM_EVENT] = use === 'skip' ? 0 : idOf(event)
  words[at + PROGRAM_FLAGS] = stack ? PROGRAM_STACK : use === 'skip' ? PROGRAM_SKIP : use === 'note' ? PROGRAM_NOTE : 0
  span(at + PROGRAM_HEAD, `,"src":${JSON.stringify(src)},"event":${JSON.stringify(event)},"cpu":`)
  words[at + PROGRAM_FIELDS] = fields.length
  if (system === 'sched') threads(at, fields)
  fields.forEach((field, i) => {
    putField(at + PROGRAM_WORDS + i * FIELD_WORDS, field, kindOf(event, field))
  })
  scanner.setProgram(format.id, program)
}

/** The format says 8 callers; a record holds as many as there were. */
function dynamic(field: Field): Field {
  return { ...field, place: 'rest', count: 0, size: 8 }
}

function kindOf(event: string, { kind, size, name, place, count }: Field): number {
  if (kind === 'text') return KIND_TEXT
  if (size !== 8 || place !== 'at' || count > 0) return KIND_NUMBER
  if (printks[event] === name) return KIND_PRINTK
  return symbols[event]?.includes(name) ? KIND_SYMBOL : KIND_NUMBER
}

function putField(at: number, field: Field, kind: number): void {
  span(at + FIELD_HEAD, `,${JSON.stringify(field.name)}:`)
  words[at + FIELD_KIND] = kind
  words[at + FIELD_PLACE] = places[field.place]
  words[at + FIELD_OFFSET] = field.offset
  words[at + FIELD_SIZE] = field.size
  words[at + FIELD_SIGNED] = field.signed ? 1 : 0
  words[at + FIELD_COUNT] = field.count
}

function threads(at: number, fields: readonly Field[]): void {
  const offset = (wanted: string, width: number) =>
    fields.find(
      ({ name, size, count, place }) => name === wanted && place === 'at' && size * Math.max(count, 1) === width,
    )?.offset
  const pids = tellComm.map(([pid]) => offset(pid, 4)).filter((there) => there !== undefined)
  pids.forEach((there, i) => {
    words[at + PROGRAM_PIDS + i] = there
  })
  let learnt = at + PROGRAM_LEARN
  for (const [pid, comm] of tellComm) {
    const told = [offset(pid, 4), offset(comm, 16)]
    if (told.includes(undefined) || learnt === at + PROGRAM_LEARN + 4) continue
    words[learnt++] = told[0] as number
    words[learnt++] = told[1] as number
  }
}

/** A text in the memory: address and end. */
function span(at: number, text: string): void {
  const length = Buffer.byteLength(text)
  // what is copied 16 bytes at a time is read past its end
  const address = allocate(length + 16)
  bytes.write(text, address, 'utf8')
  words[at] = address
  words[at + 1] = address + length
}
