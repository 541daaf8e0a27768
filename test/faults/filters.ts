/** The tools that read streams: with what arguments each meets the faults, and what must hold of its output. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { formats } from '../../lib/text/detect.js'
import type { Ran } from './running.js'

export interface Met {
  args: readonly string[]
  /** Throws where a promise is broken. */
  check?(ran: Ran): void
}

/** Every line is passed on, or is bad. */
function passesAll({ lines, bad, input }: Ran): void {
  const given = linesOf(input)
  if (lines.length + bad !== given) throw new Error(`${lines.length} lines passed + ${bad} bad, of ${given}`)
}

function linesOf(input: Buffer): number {
  return input
    .toString('latin1')
    .split('\n')
    .filter((line) => !/^[ \t\r]*$/.test(line)).length
}

function pairsClose({ counts: c }: Ran): void {
  const n = (name: string) => Number(c[name] ?? 0)
  const used = ['pairs', 'replaced', 'expired', 'evicted', 'lost', 'acausal', 'open'].reduce((sum, m) => sum + n(m), 0)
  if (n('starts') !== used) throw new Error(`the starts do not add up: ${JSON.stringify(c)}`)
  const ends = n('pairs') + n('orphans') + n('acausal')
  if (n('ends') !== ends) throw new Error(`the ends do not add up: ${JSON.stringify(c)}`)
}

/** Both events of each pair are in the input, the start first, and no event is in two pairs of one hop. */
function pairsAreReal(ran: Ran): void {
  pairsClose(ran)
  const events = ran.input
    .toString()
    .split('\n')
    .map((line) => {
      try {
        return JSON.parse(line)
      } catch {
        return null
      }
    })
  const has = (name: string, time: string) => events.some((e) => e?.event === name && digits(e) === time)
  for (const pair of ran.lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'pair')) {
    const from = String(pair.start_ts ?? pair.start_tsc)
    const to = String(pair.end_ts ?? pair.end_tsc)
    // what the counting of pairs in JSON.parse's numbers cannot tell is left to the property tests
    if (BigInt(to) < BigInt(from)) throw new Error(`a pair that ends before it starts: ${JSON.stringify(pair)}`)
    const told = pair.delta_ns ?? pair.delta_tsc
    if (BigInt(to) - BigInt(from) < 1n << 53n && BigInt(told) !== BigInt(to) - BigInt(from))
      throw new Error(`a wrong difference: ${JSON.stringify(pair)}`)
    if (from.length < 16 && !has(pair.start, from)) throw new Error(`no such start: ${JSON.stringify(pair)}`)
    if (to.length < 16 && !has(pair.end, to)) throw new Error(`no such end: ${JSON.stringify(pair)}`)
  }
}

function digits(event: { ts?: unknown; tsc?: unknown }): string {
  const time = String(event.ts ?? event.tsc)
  return /^-?\d+$/.test(time) ? BigInt(time).toString() : time
}

const sched = 'sched:sched_switch'
const pairs = { check: pairsAreReal }
const passes = { check: passesAll }

export const filters: Record<string, readonly Met[]> = {
  where: [{ args: ['1'], ...passes }, { args: ['cpu == 0 && comm ~ "a*" || pid / cpu > args.x'] }],
  'key-map': [{ args: ['-k', 'nothing=1'], ...passes }, { args: ['-k', `${sched}=next_pid << cpu`, '--vm', 'g=7'] }],
  'tsc-align': [
    { args: ['--tsc-offset', '-5', '--tsc-khz', '2445430'] },
    { args: ['--check', 'a:start', 'a:end'] },
    { args: ['--estimate', '--tsc-khz', '2445430'] },
  ],
  order: [
    {
      args: [],
      check({ lines, bad, input }) {
        // a skipped line is bad once; what is late stands in its place, marked
        if (lines.length + bad !== linesOf(input)) throw new Error(`${lines.length} + ${bad} of ${linesOf(input)}`)
      },
    },
    { args: ['--window', '0ns', '--max-held', '7'] },
  ],
  pair: ['last', 'first', 'fifo', 'lifo'].map((policy) => ({
    args: ['a:start,irq_handler_entry,kvm_exit', 'a:end,irq_handler_exit,kvm_entry', '--policy', policy],
    ...pairs,
  })),
  chain: [{ args: ['sched_waking[args.pid]', '[args.next_pid]sched_switch', '--max-open', '4'] }],
  histo: [
    { args: [] },
    { args: ['--keys', '--bars', '--json'] },
    { args: ['--interval', '1ms', '--by', 'start_pid,key'] },
    { args: ['--emit', 'hdr', '--interval', '1ms', '--keys', '--worker', 'w', '--host', 'h'] },
    { args: ['--merge', '--json', '--by', 'path,host,vm,key,worker'] },
  ],
  stages: [{ args: [] }, { args: ['--svg'] }],
  show: [{ args: [] }, { args: ['--ns', '--sources'] }],
  graph: [{ args: [] }, { args: ['--as', 'folded'] }, { args: ['--as', 'speedscope'] }],
  'irq-off': [{ args: [] }, { args: ['--json'] }],
  'vcpu-delay': [{ args: [] }, { args: ['--json', '--vcpu-thread', '7=0'] }],
  'io-path': [{ args: [] }, { args: ['--table', '--max-open', '3'] }],
  'task-state': [{ args: [] }, { args: ['--max-threads', '2'] }],
  parse: [{ args: [] }, ...formats.map((form) => ({ args: ['--from', form] }))],
}

/** Sound inputs: those of the tool's golden cases, a stream of two machines, and for parse real files. */
export function soundInputs(tool: string): Buffer[] {
  const found = [twoMachines()]
  for (const name of [tool, tool === 'parse' ? 'graph' : tool]) {
    const root = join('test/cases', name)
    for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort())
      if (/(input|trace|perf|host|guest)[^/]*$/.test(file)) add(join(root, file))
  }
  if (tool === 'parse') for (const name of readdirSync('test/data/dat')) add(join('test/data/dat', name))
  return found

  function add(path: string): void {
    if (statSync(path).isFile() && statSync(path).size < 100_000 && statSync(path).size > 0)
      found.push(readFileSync(path))
  }
}

function twoMachines(): Buffer {
  const lines = ['{"type":"stream","version":1,"src":"host","unit":"ns","session":"5d8f"}']
  for (let i = 0; i < 24; i++) {
    const event = { ts: String(1000 + 10 * i), src: 'host', event: 'a:start', cpu: i % 2, pid: 7 + (i % 3), key: i % 4 }
    lines.push(JSON.stringify({ ...event, comm: 'qemu', args: { next_pid: 8, x: '18446744073709551615' } }))
    if (i % 5)
      lines.push(JSON.stringify({ ...event, ts: String(1004 + 10 * i), src: 'guest', event: 'a:end', vm: 'g' }))
    if (i % 8 === 7) lines.push(`{"type":"clock","src":"guest","ts":"${1005 + 10 * i}","sent":${i}}`)
  }
  lines.push(
    '{"type":"lost","src":"guest","cpu":0,"count":3,"from":"1100","to":"1120"}',
    '{"type":"end","sent":40}',
    '',
  )
  return Buffer.from(lines.join('\n'))
}
