/** Ring-buffer pages from files, decoded: what the tests of the decoder and of the capture compare with the kernel's text. */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parseFormat } from '../../lib/kernel/format.js'
import { learnFormat } from '../../lib/kernel/program.js'
import { ALL, openRings } from '../../lib/kernel/rings.js'
import { allocate, bytes, scanner } from '../../lib/wire/memory.js'
import { RecordView } from '../../lib/wire/record.js'

export interface Event {
  tsc: string
  src: string
  event: string
  cpu: number
  pid: number
  comm?: string
  flags: string
  args: Record<string, unknown>
  stack?: string[]
}

export const fixture = (name: string) => readFileSync(`test/data/ring/${name}`)
export const unzipped = (name: string) => gunzipSync(fixture(name))

/** The formats of `== system` sections. */
export function learnFormats(text: string): void {
  for (const section of text.split(/^== /m).slice(1)) {
    const [system = ''] = section.split('\n', 1)
    learnFormat(system, parseFormat(section), 'host')
  }
}

export function setComm(pid: number, comm: string): void {
  const at = allocate(64)
  scanner.setThread(pid, at, bytes.write(comm, at), 0)
}

/** All records of these CPUs' pages, as JSON.parse reads their lines. */
export function decode(pages: ReadonlyMap<number, readonly Buffer[]>, comms: ReadonlyMap<number, string>): unknown[] {
  const lines: string[] = []
  const view = new RecordView()
  const rings = openRings({
    cpus: [...pages.keys()],
    pageSize: 4096,
    depth: 1024,
    src: 'host',
    cycles: true,
    thread: (pid) => setComm(pid, comms.get(pid) ?? ''),
    format: (id) => learnFormat('unknown', { name: `e${id}`, id, fields: [] }, 'host', 'skip'),
    row(row) {
      view.row = row
      lines.push(view.line)
    },
    note: () => {},
  })
  for (const [cpu, list] of pages)
    for (const page of list) {
      page.copy(bytes, rings.room(cpu))
      rings.put(cpu)
    }
  rings.merge(ALL)
  for (const lost of rings.unsaid()) lines.push(JSON.stringify({ type: 'lost', src: 'host', ...lost }))
  rings.close()
  return lines.map((line) => JSON.parse(line))
}

export function cut(raw: Buffer): Buffer[] {
  return Array.from({ length: raw.length / 4096 }, (_, i) => raw.subarray(i * 4096, (i + 1) * 4096))
}
