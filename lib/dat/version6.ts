/** trace.dat, version 6: one part after another, all sizes in front of what they are of. */
import { Broken, type Bytes, type Reader, readFrom } from './bytes.js'
import type { Contents, Held } from './contents.js'
import { skipEvents, skipFtrace, skipHeader } from './metadata.js'
import { DONE, noOptions, type Options, type Part, takeOption } from './options.js'

export function readVersion6(bytes: Bytes, reader: Reader): Contents {
  const header = held(bytes, reader, skipHeader)
  const ftrace = held(bytes, reader, skipFtrace)
  const events = held(bytes, reader, skipEvents)
  const kallsyms = held(bytes, reader, (r) => skip(r, r.u32()))
  const printk = held(bytes, reader, (r) => skip(r, r.u32()))
  const cmdlines = held(bytes, reader, (r) => skip(r, r.u64()))
  const cpus = reader.u32()
  const options = noOptions()
  const buffers = [{ name: '', parts: partsAt(reader, cpus, options) }]
  let broken: string | undefined
  // the other buffers stand behind the pages of the first
  try {
    for (const { name, offset } of options.buffers)
      buffers.push({ name, parts: partsAt(readFrom(bytes, offset), options.cpus ?? cpus, noOptions()) })
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    broken = error.message
  }
  return {
    broken,
    options,
    header,
    ftrace,
    events,
    kallsyms,
    printk,
    cmdlines,
    buffers: buffers.map((buffer) => ({ ...buffer, packed: false })),
  }
}

/** What begins here, to be read once it is wanted. */
function held(bytes: Bytes, reader: Reader, pass: (reader: Reader) => void): Held {
  const { at } = reader
  pass(reader)
  return () => readFrom(bytes, at)
}

function skip(reader: Reader, length: number): void {
  if (length > reader.left) throw new Broken('it ends too early')
  reader.at += length
}

/** `options  `, any number of options, then `flyrecord` and where each CPU's pages are. */
function partsAt(reader: Reader, cpus: number, options: Options): Part[] {
  while (true) {
    const what = reader
      .take(10)
      .toString('latin1')
      .replace(/[ \0]+$/, '')
    if (what === 'flyrecord') break
    if (what === 'latency') {
      options.text = true
      return []
    }
    if (what !== 'options') throw new Broken(`${JSON.stringify(what)} where the options should be`)
    readOptions(reader, options)
  }
  const parts: Part[] = []
  for (let cpu = 0; cpu < (options.cpus ?? cpus); cpu++) parts.push({ cpu, offset: reader.u64(), size: reader.u64() })
  return parts
}

function readOptions(reader: Reader, options: Options): void {
  for (let id = reader.u16(); id !== DONE; id = reader.u16()) takeOption(options, id, reader.take(reader.u32()), false)
}
