/**
 * Forms (forms.ts) into the memory, where the renderer of text lines (lib/assembly/text-form.ts) reads them. An
 * event's form is laid out when its first line is rendered; text-layout.ts says how.
 */
import {
  FIELD_BEFORE,
  FIELD_CHOICE,
  FIELD_CHOICES,
  FIELD_DECIMAL,
  FIELD_DECIMAL_64,
  FIELD_DEVICE,
  FIELD_HEX,
  FIELD_HEX_64,
  FIELD_HEX_LIST,
  FIELD_NAME,
  FIELD_POINTER,
  FIELD_SIGNED_HEX_64,
  FIELD_TEXT,
  FIELD_TYPE,
  FIELD_VALUE,
  FIELD_WORD,
  FIELD_WORDS,
  FORM_PAIRS,
  FORM_SYSCALL,
  FORM_TEMPLATE,
  MAX_FIELDS,
  NAME_64,
  NAME_HEX,
  NAME_POINTER,
  TEMPLATE_BACKWARDS,
  TEMPLATE_FIELDS,
  TEMPLATE_NEXT,
  TEMPLATE_PLAIN,
  TEMPLATE_SUFFIX,
  TEMPLATE_TAIL,
  TEMPLATE_WORDS,
} from '../assembly/text-layout.js'
import { allocate, bytes, scanner, words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import { forms, hexNames, names64, pointerNames, systemCallExit } from './forms.js'

const types: Record<string, number> = {
  decimal: FIELD_DECIMAL,
  hex: FIELD_HEX,
  u64: FIELD_DECIMAL_64,
  x64: FIELD_HEX_64,
  long: FIELD_SIGNED_HEX_64,
  text: FIELD_TEXT,
  word: FIELD_WORD,
  ptr: FIELD_POINTER,
  value: FIELD_VALUE,
  dev: FIELD_DEVICE,
  list: FIELD_HEX_LIST,
}

interface Field {
  before: string
  name: string
  type: string
}

export interface Template {
  fields: Field[]
  tail: string
  /** Members that the form implies: `"reinjected":1`. */
  implied: string[]
}

/** `vcpu {vcpu_id}, rip 0x{rip:x64}` as its parts. */
export function parseTemplate(text: string): Template {
  const fields: Field[] = []
  const implied: string[] = []
  let before = ''
  let at = 0
  for (const part of text.matchAll(/\{(\w+)(?:([:=])([^}]*))?\}/g)) {
    const [whole, name = '', sign, rest = ''] = part
    before += text.slice(at, part.index)
    at = part.index + whole.length
    if (sign === '=') {
      implied.push(`"${name}":${rest}`)
      continue
    }
    fields.push({ before, name: name === '_' ? '' : name, type: rest || 'decimal' })
    before = ''
  }
  return { fields, tail: before + text.slice(at), implied }
}

/** The text is `name=value name=value`, under the names of the fields. */
function isPlain({ fields, tail, implied }: Template): boolean {
  return (
    tail === '' &&
    implied.length === 0 &&
    fields.every(({ before, name }, i) => before === `${i > 0 ? ' ' : ''}${name}=`)
  )
}

/** A comm at the start may hold whatever follows it, so such a text is read from its end. */
function isBackwards({ fields }: Template): boolean {
  return fields.length > 1 && fields[0]?.type === 'text'
}

const PAGE = 1 << 14
let page = 0
let used = PAGE

/** Room that is never given back: forms live as long as the process. */
function room(size: number): number {
  const rounded = (size + 7) & ~7
  if (used + rounded > PAGE) {
    page = allocate(PAGE)
    used = 0
  }
  const address = page + used
  used += rounded
  return address
}

const texts = new Map<string, number>()

function putText(text: string): number {
  const known = texts.get(text)
  if (known !== undefined) return known
  // copied eight bytes at a time
  const address = room(Buffer.byteLength(text) + 8)
  bytes.write(text, address, 'utf8')
  texts.set(text, address)
  return address
}

function setText(word: number, text: string): void {
  words[word] = putText(text)
  words[word + 1] = Buffer.byteLength(text)
}

function putTemplate(template: Template, next: number): number {
  const { fields, tail, implied } = template
  if (fields.length > MAX_FIELDS) throw new RangeError(`a form of ${fields.length} fields`)
  const address = room((TEMPLATE_WORDS + fields.length * FIELD_WORDS) * 4)
  const at = address >> 2
  words[at] = FORM_TEMPLATE
  words[at + TEMPLATE_NEXT] = next
  words[at + TEMPLATE_BACKWARDS] = isBackwards(template) ? 1 : 0
  words[at + TEMPLATE_PLAIN] = isPlain(template) ? 1 : 0
  words[at + TEMPLATE_FIELDS] = fields.length
  setText(at + TEMPLATE_TAIL, tail)
  const named = fields.some(({ name }) => name !== '')
  setText(at + TEMPLATE_SUFFIX, implied.length > 0 ? (named ? ',' : '') + implied.join(',') : '')
  for (const [i, field] of fields.entries()) putField(at + TEMPLATE_WORDS + i * FIELD_WORDS, field)
  return address
}

function putField(at: number, { before, name, type }: Field): void {
  setText(at + FIELD_BEFORE, before)
  setText(at + FIELD_NAME, name && `"${name}":`)
  const code = type.includes('|') ? FIELD_CHOICE : types[type]
  if (code === undefined) throw new TypeError(`no type ${type}`)
  words[at + FIELD_TYPE] = code
  words[at + FIELD_CHOICES] = code === FIELD_CHOICE ? putChoices(type.split('|')) : 0
}

function putChoices(choices: string[]): number {
  const address = room(4 + choices.length * 8)
  words[address >> 2] = choices.length
  for (const [i, choice] of choices.entries()) setText((address >> 2) + 1 + i * 2, choice)
  return address
}

/** A form of no more than its kind. */
function simple(kind: number): number {
  const address = room(8)
  words[address >> 2] = kind
  return address
}

let pairs = 0
let call = 0
const laidOut = new Map<readonly string[], number>()

function prepare(): void {
  pairs = simple(FORM_PAIRS)
  call = simple(FORM_SYSCALL)
  for (const name of names64) scanner.setNameBits(idOf(name), NAME_64)
  for (const name of hexNames) scanner.setNameBits(idOf(name), NAME_HEX)
  for (const name of pointerNames) scanner.setNameBits(idOf(name), NAME_POINTER)
}

/** Lays out the form of the event with this interned name. */
export function learn(event: number): void {
  if (pairs === 0) prepare()
  scanner.setForm(event, formFor(nameOf(event)))
}

function formFor(event: string): number {
  const name = event.slice(event.lastIndexOf(':') + 1)
  const templates = Object.hasOwn(forms, name) ? forms[name] : name.startsWith('sys_exit_') ? systemCallExit : undefined
  if (!templates) return name.startsWith('sys_enter_') ? call : pairs
  let address = laidOut.get(templates) ?? 0
  if (address === 0) {
    for (const text of templates.toReversed()) address = putTemplate(parseTemplate(text), address)
    laidOut.set(templates, address)
  }
  return address
}
