/**
 * An event's `format` file (tracefs events/SYSTEM/NAME/format; the same text stands in trace.dat): its id, and
 * where in a record which field is.
 *
 *     name: irq_handler_entry
 *     ID: 143
 *     format:
 *             field:int irq;                  offset:8;   size:4;  signed:1;
 *             field:__data_loc char[] name;   offset:12;  size:4;  signed:0;
 *
 * (kernel/trace/trace_events.c: f_show()). `__data_loc`: a word whose low half says where the data is and whose
 * high half how long; `__rel_loc`: the same, counted from the word's own end. A size of 0 is all that follows.
 */

export type Place = 'at' | 'loc' | 'rel' | 'rest'

export interface Field {
  readonly name: string
  /** As C has it, without the array: `unsigned long`. */
  readonly type: string
  readonly offset: number
  readonly signed: boolean
  readonly place: Place
  readonly kind: 'number' | 'text'
  /** Bytes of one element. */
  readonly size: 1 | 2 | 4 | 8
  /** Elements of an array in the record (of a text: bytes); 0: one value. */
  readonly count: number
}

export interface Format {
  readonly name: string
  readonly id: number
  /** Without the common_ ones. */
  readonly fields: readonly Field[]
}

/** Bytes of a name, so that a line has room for all of them. */
const MAX_NAME = 128

/** The format that a text describes. Throws an Error that says what is wrong with it. */
export function parseFormat(text: string): Format {
  const name = /^name: (\S+)$/m.exec(text)?.[1]
  const id = Number(/^ID: (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
  if (!name || name.length > MAX_NAME || !(id < 0x10000))
    throw new Error('a format without a name and an ID below 65536')
  const fields = [...text.matchAll(/^\s*field:(.+);\s*offset:(\d+);\s*size:(\d+);(?:\s*signed:(\d+);)?/gm)]
    .map(([, declaration = '', offset, size, signed]) =>
      parseField(declaration, Number(offset), Number(size), signed === '1'),
    )
    .filter((field) => field !== undefined)
  return { name, id, fields }
}

/** `unsigned long args[6]`, `__data_loc char[] name`, `const char * s`, `unsigned int flag:1` */
function parseField(declaration: string, offset: number, size: number, signed: boolean): Field | undefined {
  const parts = /^(__data_loc |__rel_loc )?(.+?)\s*(\[\w*\])?\s*\b(\w+)\s*(\[[^\]]*\])?$/.exec(declaration.trim())
  if (!parts || (parts[4] as string).length > MAX_NAME)
    throw new Error(`the field ${JSON.stringify(declaration.slice(0, 80))} cannot be read`)
  const [, dynamic, type = '', , name = '', array] = parts
  if (name.startsWith('common_')) return undefined
  const text = /^(const )?char$/.test(type)
  const place = dynamic ? (dynamic === '__rel_loc ' ? 'rel' : 'loc') : size === 0 ? 'rest' : 'at'
  const element = text && (array || dynamic) ? 1 : elementSize(type, place, size, array)
  if (!element) return undefined
  const count = place !== 'at' ? 0 : array !== undefined || size > 8 || element < size ? Math.floor(size / element) : 0
  const kind = text && (array !== undefined || dynamic) ? 'text' : 'number'
  return { name, type, offset, signed, place, kind, size: element, count }
}

const widths: readonly [RegExp, Field['size']][] = [
  [/\*|\blong\b|64(_t)?$|size_t|cpumask/, 8],
  [/\bchar$|8(_t)?$|^bool$/, 1],
  [/\bshort\b|16(_t)?$/, 2],
]

/** How wide an element is: the field itself where it is one, by its count where that is told, else by its type. */
function elementSize(type: string, place: Place, size: number, array: string | undefined): Field['size'] | undefined {
  if (place === 'at') {
    const told = /^\[(\d+)\]$/.exec(array ?? '')
    const counted = size / Number(told?.[1] ?? Number.NaN)
    if (isWidth(counted)) return counted
    if (array === undefined && isWidth(size)) return size
  }
  const width = widths.find(([words]) => words.test(type))?.[1] ?? 4
  return place !== 'at' || size % width === 0 ? width : 1
}

function isWidth(n: number): n is Field['size'] {
  return n === 1 || n === 2 || n === 4 || n === 8
}
