/** What a trace.dat says of the traced kernel: how its pages and events are laid out, and what its numbers mean. */
import { Broken, type Reader } from './bytes.js'

/** A format text is not longer; of the largest systems, syscalls, a few hundred events are there. */
const MAX_FORMAT = 1 << 20

/** The pages must be those of a 64-bit kernel: time, commit word of 8 bytes, data from byte 16 on. */
export function checkHeader(reader: Reader): void {
  expect(reader, 'header_page')
  const page = sized(reader).toString('latin1')
  const place = (name: string) => new RegExp(`\\b${name};\\s*offset:(\\d+);\\s*size:(\\d+);`).exec(page)
  if (place('commit')?.[2] !== '8' || place('data')?.[1] !== '16')
    throw new Broken('recorded by a 32-bit kernel; only 64-bit ones are read')
}

export function skipHeader(reader: Reader): void {
  for (const name of ['header_page', 'header_event']) {
    expect(reader, name)
    sized(reader)
  }
}

export function skipFtrace(reader: Reader): void {
  for (const _ of ftraceFormats(reader));
}

export function skipEvents(reader: Reader): void {
  for (const _ of eventFormats(reader));
}

function expect(reader: Reader, name: string): void {
  if (reader.text() !== name) throw new Broken(`no ${name} where it should be`)
}

function sized(reader: Reader): Buffer {
  const length = reader.u64()
  if (length > MAX_FORMAT) throw new Broken(`a format of ${length} bytes`)
  return reader.take(length)
}

export interface FormatText {
  system: string
  text: string
}

/** The kernel's own events (functions, stacks, marks). */
export function* ftraceFormats(reader: Reader): Generator<FormatText> {
  for (let left = reader.u32(); left > 0; left--) yield { system: 'ftrace', text: sized(reader).toString('latin1') }
}

export function* eventFormats(reader: Reader): Generator<FormatText> {
  for (let systems = reader.u32(); systems > 0; systems--) {
    const system = reader.text()
    for (let left = reader.u32(); left > 0; left--) yield { system, text: sized(reader).toString('latin1') }
  }
}

/** Texts by event id. */
export function formatsById(formats: Iterable<FormatText>): Map<number, FormatText> {
  const found = new Map<number, FormatText>()
  for (const format of formats) found.set(Number(/^ID: (\d+)$/m.exec(format.text)?.[1] ?? Number.NaN), format)
  return found
}

/** `1234 qemu-system-x86` a line. */
export function commsOf(text: string): Map<number, string> {
  return new Map([...text.matchAll(/^(\d+) (.+)$/gm)].map(([, pid, comm = '']) => [Number(pid), comm]))
}
