/**
 * A record: the view of one line of the wire format.
 *
 * There is one view object for a whole stream; `row` moves from line to line. The columns that every
 * filter wants (time, event, src, cpu, pid, key, vm) stand in the row already; any other member is
 * looked up in the line when it is asked for. Reading makes no object, save the strings it answers.
 *
 * A row made by a filter (a pair, a parsed line of text) has no line yet: `LINE` is 0 and `renderer`
 * writes it when somebody wants the bytes.
 */
import {
  ARGS,
  COMM,
  CPU,
  DELTA,
  END,
  EVENT,
  FLAGS,
  HAS,
  HAS_CPU,
  HAS_KEY_INTEGER,
  HAS_KEY_TEXT,
  HAS_KEY_UNSIGNED,
  HAS_PID,
  HAS_TS,
  HAS_TSC,
  KEY,
  LINE,
  LINE_END,
  MAX_LINE,
  PID,
  ROW_WORDS,
  SRC,
  START,
  TEXT,
  TIME,
  TYPE,
  VM,
} from '../assembly/layout.js'
import { integer64 } from './int64.js'
import { allocate, bytes, latin1, scanner, utf8, words } from './memory.js'
import { nameOf } from './names.js'

/** Writes the line of a row that has none, at `to`; answers the address after it (no newline). */
export interface Renderer {
  render(row: number, to: number): number
}

export type Scalar = string | number | bigint | boolean | null

/** A member name, put into the memory once so that lines can be searched for it. */
export interface Member {
  readonly address: number
  readonly length: number
}

const members = new Map<string, Member>()

export function memberName(name: string): Member {
  const known = members.get(name)
  if (known) return known
  const length = Buffer.byteLength(name)
  const member = { address: allocate(length + 16), length }
  bytes.write(name, member.address, 'utf8')
  members.set(name, member)
  return member
}

/** Room that lines are rendered and rewritten in: a line and what a filter may add to it. */
export const LINE_ROOM = 2 * MAX_LINE

export class RecordView {
  /** Word index of the row in `words`. */
  row = 0
  renderer: Renderer | null = null
  #room = 0

  get isEvent(): boolean {
    return words[this.row + TYPE] === 0
  }

  get type(): string {
    return nameOf(words[this.row + TYPE] as number)
  }

  get event(): string {
    return nameOf(words[this.row + EVENT] as number)
  }

  get src(): string {
    return nameOf(words[this.row + SRC] as number)
  }

  get vm(): string {
    return nameOf(words[this.row + VM] as number)
  }

  /** `start` and `end` of a pair. */
  get start(): string {
    return nameOf(words[this.row + START] as number)
  }

  get end(): string {
    return nameOf(words[this.row + END] as number)
  }

  get cpu(): number | undefined {
    return this.has(HAS_CPU) ? (words[this.row + CPU] as number) : undefined
  }

  get pid(): number | undefined {
    return this.has(HAS_PID) ? (words[this.row + PID] as number) : undefined
  }

  has(bits: number): boolean {
    return ((words[this.row + HAS] as number) & bits) !== 0
  }

  /** `ts` (ns) or `tsc` (cycles), exact; undefined where the line has none. */
  get time(): bigint | undefined {
    if (!this.has(HAS_TS | HAS_TSC)) return undefined
    return integer64(this.row + TIME)
  }

  get delta(): bigint {
    return integer64(this.row + DELTA)
  }

  /** `key`: an integer as number or bigint, else its text as JSON has it; undefined where there is none. */
  get key(): number | bigint | string | undefined {
    const has = words[this.row + HAS] as number
    if (has & HAS_KEY_INTEGER) return integerKey(this.row, (has & HAS_KEY_UNSIGNED) !== 0)
    if (has & HAS_KEY_TEXT) return utf8(words[this.row + KEY] as number, words[this.row + KEY + 1] as number)
    return undefined
  }

  /** The key as people read it. */
  get keyText(): string | undefined {
    const { key } = this
    if (typeof key !== 'string') return key === undefined ? undefined : String(key)
    if (!key.startsWith('"')) return key
    return key.includes('\\') ? JSON.parse(key) : key.slice(1, -1)
  }

  get comm(): string | undefined {
    return this.#spanned(COMM)
  }

  get flags(): string | undefined {
    return this.#spanned(FLAGS)
  }

  get text(): string | undefined {
    return this.#spanned(TEXT)
  }

  /** The value of a field of `args`; an object or array as its JSON text; undefined where there is none. */
  arg(member: Member): Scalar | undefined {
    this.materialise()
    const args = words[this.row + ARGS] as number
    if (args === 0 || bytes[args] !== 123) return undefined
    const from = scanner.find(args, member.address, member.length)
    return from === 0 ? undefined : scalar(from, scanner.foundEnd())
  }

  /** The value of any member of the line. */
  member(member: Member): Scalar | undefined {
    const json = this.json(member)
    return json === undefined ? undefined : scalarOf(json)
  }

  /** The JSON text of any member of the line. */
  json(member: Member): string | undefined {
    this.materialise()
    const from = scanner.find(this.#object(), member.address, member.length)
    return from === 0 ? undefined : utf8(from, scanner.foundEnd())
  }

  /** `args` as JSON.parse reads it, save that integers which it would round are strings. */
  get args(): Record<string, unknown> {
    this.materialise()
    const from = words[this.row + ARGS] as number
    if (from === 0 || bytes[from] !== 123) return {}
    return JSON.parse(withWideIntegers(utf8(from, words[this.row + ARGS + 1] as number)))
  }

  /** All members, read as `args` are. */
  get members(): Record<string, unknown> {
    return JSON.parse(withWideIntegers(this.line))
  }

  /** The whole line, without its newline. */
  get line(): string {
    this.materialise()
    return utf8(words[this.row + LINE] as number, words[this.row + LINE_END] as number)
  }

  /** Renders the line where there is none yet; the view then stands on a row of its own. */
  materialise(): void {
    if (words[this.row + LINE] !== 0 || this.renderer === null) return
    if (this.#room === 0) this.#room = allocate(LINE_ROOM + ROW_WORDS * 4)
    const text = this.#room + ROW_WORDS * 4
    const end = this.renderer.render(this.row, text)
    this.row = rescan(text, end, this.#room)
  }

  #object(): number {
    let at = words[this.row + LINE] as number
    while (bytes[at] !== 123) at++
    return at
  }

  #spanned(word: number): string | undefined {
    this.materialise()
    const from = words[this.row + word] as number
    // an object is no text, though its JSON is
    if (from === 0 || bytes[from] !== 34) return undefined
    return scalar(from, words[this.row + word + 1] as number) as string
  }
}

/** Scans the one line from `text` to `end` into the row at address `row`; answers the row's word index. */
export function rescan(text: number, end: number, row: number): number {
  bytes[end] = 10
  scanner.scan(text, end + 1, row, 1)
  return row >> 2
}

function integerKey(row: number, unsigned: boolean): number | bigint {
  const high = words[row + KEY + 1] as number
  const low = (words[row + KEY] as number) >>> 0
  if (high >= -0x200000 && high < 0x200000 && !unsigned) return high * 0x1_0000_0000 + low
  const value = integer64(row + KEY)
  return unsigned ? BigInt.asUintN(64, value) : value
}

function scalar(from: number, end: number): Scalar {
  const first = bytes[from] as number
  if (first === 34) return plain(from + 1, end - 1) ? utf8(from + 1, end - 1) : JSON.parse(utf8(from, end))
  if (end - from <= 15) {
    const n = smallInteger(from, end)
    if (n >= 0) return n
  }
  return scalarOf(latin1OrUtf8(from, end))
}

function latin1OrUtf8(from: number, end: number): string {
  const first = bytes[from]
  return first === 123 || first === 91 ? utf8(from, end) : latin1(from, end)
}

/** As JSON.parse reads it, save that an integer keeps all its digits and an object or array stays text. */
function scalarOf(json: string): Scalar {
  if (json.startsWith('{') || json.startsWith('[')) return json
  const value = JSON.parse(json)
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(json)) return value
  return BigInt(json)
}

/** JSON text with the integers of more than 15 digits in quotes. */
function withWideIntegers(json: string): string {
  if (!/\d{16}/.test(json)) return json
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d{16,}$/.test(token) ? `"${token}"` : token,
  )
}

function plain(from: number, end: number): boolean {
  for (let i = from; i < end; i++) if (bytes[i] === 92) return false
  return true
}

/** Digits only, no leading zero: the number; anything else: -1. */
function smallInteger(from: number, end: number): number {
  if (bytes[from] === 48) return end - from === 1 ? 0 : -1
  let n = 0
  for (let i = from; i < end; i++) {
    const digit = (bytes[i] as number) - 48
    if (digit < 0 || digit > 9) return -1
    n = n * 10 + digit
  }
  return n
}
