/** What must be true of a stream in which a guest's records stand beside a host's. */
import { createReadStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { shell } from '../faults/processes.js'
import { json } from './pieces.js'

/** A host's own recording: pairs of one thread, switches, clocks. */
export function host(events: number): string {
  let text = json({ type: 'stream', version: 1, src: 'host', unit: 'ns', clock: 'mono' })
  for (let i = 0; i < events; i++) {
    const ts = String(1_000_500 + 1000 * i)
    const event = { ts, src: 'host', event: i % 2 ? 'a:end' : 'a:start', cpu: 0, pid: 7, comm: 'qemu', args: { i } }
    text += json(event)
    if (i % 100 === 0) text += json({ type: 'clock', src: 'host', ts, wall: '1700000000000000000', mono: ts })
  }
  return text + json({ type: 'end', src: 'host' })
}

/** The lines that say they are the host's. */
export function hostLines(text: string): string[] {
  return text.split('\n').filter((line) => line.includes('"src":"host"'))
}

/** The same of a merge of these files, and of the pairs of its events; `to` is the merge. */
export async function hostsOwn(files: string, to: string): Promise<{ lines: string[]; pairs: string[] }> {
  const { stdout } = await shell(
    `order -q ${files} 2>/dev/null >${to}; { cat ${to}; pair -q a:start a:end -- ${to} 2>/dev/null; } | grep -a '"src":"host"'`,
  )
  const all = hostLines(stdout)
  const isPair = (line: string) => line.startsWith('{"type":"pair"')
  return { lines: all.filter((line) => !isPair(line)), pairs: all.filter(isPair) }
}

/** Of a file that may be larger than a string can be. */
export async function* linesOf(path: string): AsyncIterable<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  for await (const chunk of createReadStream(path)) {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() as string
    yield* lines
  }
  if (rest !== '') yield rest
}

/** Nothing in it says that it is anybody else's; only pull's own summary is nobody's. */
export function isMarked(record: Record<string, unknown>, src: string): boolean {
  if (record.type === 'summary' && record.tool === 'pull') return record.src === undefined || record.src === src
  const stages = record.type === 'chain' && Array.isArray(record.stages) ? record.stages : []
  const claims = [record.vm, record.start_src, record.end_src, ...stages.map((stage) => stage.src)]
  return record.src === src && claims.every((claim) => claim === undefined || claim === src)
}
