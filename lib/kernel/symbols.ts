/**
 * What the kernel's addresses stand for: functions, from /proc/kallsyms, `ffffffff81000000 T name [module]`, and
 * texts of trace_printk(), from tracefs printk_formats, `0xffffffff82000000 : "text\n"`. The same texts stand in
 * trace.dat. Of the symbols only what is code is kept, of a text what a line has room for. Addresses are all 0 to
 * whoever may not see them (kptr_restrict).
 */
import { allocate, bytes, release, scanner } from '../wire/memory.js'

/** A hundred thousand symbols and more: columns, no objects. An address is high * 2^32 + low; a name, bytes of `text`. */
interface Named {
  text: Buffer
  high: number[]
  low: number[]
  from: number[]
  end: number[]
}

/** What the decoder's tables take: addresses and sizes. One decoder, one table of each. */
const held = { symbols: [] as [number, number][], printks: [] as [number, number][] }

const MAX_SYMBOL = 240
const MAX_PRINTK = 1024

/** Gives the decoder the symbols of a kallsyms text. Answers how many there are; 0: none that can be used. */
export function learnSymbols(kallsyms: string | Buffer): number {
  const text = typeof kallsyms === 'string' ? Buffer.from(kallsyms, 'latin1') : kallsyms
  const found: Named = { text, high: [], low: [], from: [], end: [] }
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf(10, at)
    const end = newline < 0 ? text.length : newline
    if (isCode(text, at, end)) takeSymbol(found, at, end)
    at = end + 1
  }
  give('symbols', found)
  return found.high.length
}

/** `t`, `T`, `w` or `W` behind 16 digits. */
function isCode(text: Buffer, at: number, end: number): boolean {
  const type = (text[at + 17] as number) | 32
  return end - at > 19 && text[at + 16] === 32 && text[at + 18] === 32 && (type === 0x74 || type === 0x77)
}

function takeSymbol(found: Named, at: number, end: number): void {
  const high = hex(found.text, at)
  const low = hex(found.text, at + 8)
  if (Number.isNaN(high + low) || (high === 0 && low === 0)) return
  let stop = at + 19
  // printable, and nothing that JSON would have to escape
  for (const most = Math.min(end, stop + MAX_SYMBOL); stop < most; stop++) {
    const sign = found.text[stop] as number
    if (sign < 33 || sign > 126 || sign === 34 || sign === 92) break
  }
  found.high.push(high)
  found.low.push(low)
  found.from.push(at + 19)
  found.end.push(stop)
}

/** Eight lower-case digits; NaN where they are none. */
function hex(text: Buffer, at: number): number {
  let n = 0
  for (let i = at; i < at + 8; i++) {
    const sign = text[i] as number
    if (sign >= 48 && sign <= 57) n = n * 16 + sign - 48
    else if (sign >= 97 && sign <= 102) n = n * 16 + sign - 87
    else return Number.NaN
  }
  return n
}

/** Gives the decoder the texts of printk_formats. */
export function learnPrintks(formats: string): void {
  const found: Named = { text: Buffer.alloc(0), high: [], low: [], from: [], end: [] }
  const texts: Buffer[] = []
  let length = 0
  for (const [, digits = '', quoted = ''] of formats.matchAll(/^0x([0-9a-f]{1,16}) : "(.*)"$/gm)) {
    const address = digits.padStart(16, '0')
    const text = quoted.slice(0, MAX_PRINTK).replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter)
    texts.push(Buffer.from(text, 'latin1'))
    found.high.push(Number.parseInt(address.slice(0, 8), 16))
    found.low.push(Number.parseInt(address.slice(8), 16))
    found.from.push(length)
    length += text.length
    found.end.push(length)
  }
  give('printks', { ...found, text: Buffer.concat(texts) })
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' }

/** Addresses stand for nothing any more: another kernel's come next. */
export function forgetSymbols(): void {
  const none: Named = { text: Buffer.alloc(0), high: [], low: [], from: [], end: [] }
  give('symbols', none)
  give('printks', none)
}

function give(which: keyof typeof held, { text, high, low, from, end }: Named): void {
  for (const [address, size] of held[which]) release(address, size)
  held[which] = []
  const count = high.length
  const order = ascending(high, low)
  const addresses = take(which, count * 8)
  const names = take(which, count * 4 + 4)
  let to = take(
    which,
    end.reduce((sum, stop, i) => sum + stop - (from[i] as number), 16),
  )
  order.forEach((i, place) => {
    bytes.writeUInt32LE(low[i] as number, addresses + place * 8)
    bytes.writeUInt32LE(high[i] as number, addresses + place * 8 + 4)
    bytes.writeUInt32LE(to, names + place * 4)
    to += text.copy(bytes, to, from[i], end[i])
  })
  bytes.writeUInt32LE(to, names + count * 4)
  if (which === 'symbols') scanner.setSymbols(addresses, names, count)
  else scanner.setPrintks(addresses, names, count)
}

/** The places in the order of their addresses. */
function ascending(high: readonly number[], low: readonly number[]): Uint32Array {
  const order = Uint32Array.from(high, (_, i) => i)
  const compare = (a: number, b: number) =>
    (high[a] as number) - (high[b] as number) || (low[a] as number) - (low[b] as number)
  // the kernel's own come in their order, a module's need not
  if (order.some((i) => i > 0 && compare(i - 1, i) > 0)) order.sort(compare)
  return order
}

function take(which: keyof typeof held, size: number): number {
  const address = allocate(size)
  held[which].push([address, size])
  return address
}
