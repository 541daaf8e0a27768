/** The tools that read streams: with what arguments each meets the faults, and what must hold of its output. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { formats } from '../../lib/text/detect.js'
import { readLine } from '../reference/line.js'
import { accountCloses, expectedPairs, type Policy, policies } from '../reference/pairs.js'
import { random } from './random.js'
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

/** Exactly the pairs of the reference, where it can tell: of one machine, without losses, each line certain. */
function pairsAreReal(ran: Ran, policy: Policy): void {
  accountCloses(ran.counts)
  for (const line of ran.lines) {
    const pair = JSON.parse(line)
    if (pair.type !== 'pair') continue
    const delta = BigInt(pair.end_ts ?? pair.end_tsc) - BigInt(pair.start_ts ?? pair.start_tsc)
    if (delta < 0n) throw new Error(`a pair that ends before it starts: ${line}`)
    if (delta < 1n << 53n && BigInt(pair.delta_ns ?? pair.delta_tsc) !== delta)
      throw new Error(`a wrong difference: ${line}`)
  }
  const wanted = expectedPairs(ran.input, starts, ends, policy)
  if (!wanted) return
  const found = ran.lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'pair')
  const told = found.map((pair) => `${pair.start_ts ?? pair.start_tsc} ${pair.end_ts ?? pair.end_tsc}`)
  assert.deepEqual(told.sort(), wanted.sort(), 'other pairs than brute force finds')
  compared.pairs += wanted.length
  compared.inputs++
}

/** How much was compared with the reference. */
export const compared = { inputs: 0, pairs: 0 }

/** What people look at cannot do anything to their terminal. */
function terminalSafe({ lines, printed }: Ran): void {
  for (const text of [...lines.filter((line) => !line.startsWith('{')), ...printed])
    if (/[^\n\P{Cc}]|[\u202a-\u202e\u2066-\u2069]/u.test(text))
      throw new Error(`a control character in ${JSON.stringify(text.slice(0, 300))}`)
}

function printsJson({ printed }: Ran): void {
  if (printed.length > 0) JSON.parse(printed.join(''))
}

const sched = 'sched:sched_switch'
const starts = ['a:start', 'irq_handler_entry', 'kvm_exit']
const ends = ['a:end', 'irq_handler_exit', 'kvm_entry']
const safe = { check: terminalSafe }
const json = { check: printsJson }
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
  pair: policies.map((policy) => ({
    args: [starts.join(','), ends.join(','), '--policy', policy],
    check: (ran: Ran) => pairsAreReal(ran, policy),
  })),
  chain: [{ args: ['sched_waking[args.pid]', '[args.next_pid]sched_switch', '--max-open', '4'] }],
  histo: [
    { args: [], ...safe },
    { args: ['--keys', '--bars', '--json'] },
    { args: ['--interval', '1ms', '--by', 'start_pid,key'], ...safe },
    { args: ['--emit', 'hdr', '--interval', '1ms', '--keys', '--worker', 'w', '--host', 'h'] },
    { args: ['--merge', '--json', '--by', 'path,host,vm,key,worker'] },
  ],
  stages: [{ args: [], ...safe }, { args: ['--svg'] }],
  show: [
    { args: [], ...safe },
    { args: ['--ns', '--sources'], ...safe },
  ],
  graph: [{ args: [], ...safe }, { args: ['--as', 'folded'] }, { args: ['--as', 'speedscope'], ...json }],
  'irq-off': [{ args: [], ...safe }, { args: ['--json'] }],
  'vcpu-delay': [{ args: [], ...safe }, { args: ['--json', '--vcpu-thread', '7=0'] }],
  'io-path': [{ args: [] }, { args: ['--table', '--max-open', '3'], ...safe }],
  'task-state': [{ args: [] }, { args: ['--max-threads', '2'] }],
  'irq-map': [
    { args: [], ...safe },
    { args: ['--json'] },
    { args: ['--learn'], ...safe },
    { args: ['--learn', '--json'] },
  ],
  report: [{ args: ['--json'], ...json }, { args: ['--slowest', '3', '--around', '1us', '--max-keys', '2'] }],
  export: [
    { args: ['perfetto'], ...json },
    { args: ['speedscope'], ...json },
    ...['folded', 'hgrm', 'hlog', 'openmetrics'].map((format) => ({ args: [format] })),
  ],
  pull: [{ args: ['--no-retry'], check: onlyTheGuest }],
  parse: [{ args: [] }, ...formats.map((form) => ({ args: ['--from', form] }))],
}

/** Nothing that comes over a channel says that it is the host's. */
function onlyTheGuest({ lines }: Ran): void {
  for (const line of lines) {
    const read = readLine(Buffer.from(line))
    for (const { name, json } of read?.members ?? [])
      if (/^(?:src|vm|start_src|end_src)$/.test(name) && json !== '"guest"') throw new Error(`whose is ${line}?`)
  }
}

/** Whose golden cases hold what a tool reads. */
const sources: Record<string, readonly string[]> = {
  parse: ['parse', 'graph'],
  report: ['report', 'pair', 'histo'],
  export: ['pair', 'histo', 'graph'],
}

/** Sound inputs: those of the tool's golden cases, a stream of two machines, and for parse real files. */
export function soundInputs(tool: string): Buffer[] {
  const own: Record<string, Buffer[]> = {
    'irq-map': [interruptTable, learnable()],
    // enough of them that brute force has something to say
    pair: Array.from({ length: 12 }, (_, i) => oneMachine(i)),
  }
  const found = [twoMachines(), ...(own[tool] ?? [])]
  for (const name of sources[tool] ?? [tool]) {
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

/** The number of the first case in which a stream ends at some byte. */
export const CUTS = 1_000_000_000

/** How many cases it takes to end each of the small inputs at each byte. */
export function cutsOf(tool: string): number {
  return smallInputs(tool).reduce((sum, { length }) => sum + (length + 1) * (filters[tool]?.length ?? 0), 0)
}

/** Of the last of them, whole lines: so few bytes that a stream can be cut at each of them. */
export function smallInputs(tool: string): Buffer[] {
  const all = soundInputs(tool).map((input) =>
    input.includes(0) ? input : input.subarray(0, input.lastIndexOf(10, SMALL) + 1),
  )
  const small = all.filter((input) => input.length > 0 && (input.length <= SMALL || tool === 'parse'))
  const longest = small.toSorted((a, b) => b.length - a.length)
  return tool === 'parse' ? small.filter((input) => input.length < 30_000) : longest.slice(0, 2)
}

const SMALL = 900

const interruptTable = Buffer.from(`           CPU0       CPU1
 24:          1          2   PCI-MSI 16384-edge      virtio0-config
 25:         53          0   PCI-MSI 16385-edge      virtio0-input.0
 26:         47          0  IR-PCI-MSIX-0000:01:00.0    1-edge      eth1-tx, eth1-rx
LOC:       8715       9000   Local timer interrupts
ERR:          3
`)

function learnable(): Buffer {
  const lines: string[] = []
  for (let i = 1; i < 5; i++) {
    const at = (n: number) => `{"ts":"${i}${n}","src":`
    lines.push(`${at(10)}"host","event":"kvm:kvm_msi_set_irq","args":{"address":"4276097024","data":38}}`)
    lines.push(`${at(20)}"guest","event":"irq:irq_handler_entry","cpu":1,"args":{"irq":31,"name":"virtio1-req.1"}}`)
  }
  return Buffer.from(`${lines.join('\n')}\n`)
}

/** Starts and ends of several keys, threads and guests, now and then two starts or two ends in a row. */
function oneMachine(n: number): Buffer {
  const chance = random(n)
  const lines = Array.from({ length: 60 }, (_, i) => {
    const event = chance.of(['a:start', 'a:end', 'irq:irq_handler_entry', 'irq:irq_handler_exit'])
    const whose = chance.of([{ key: 1 }, { key: 'k' }, { key: '1' }, { pid: 7 }, { cpu: 1 }, { key: 2, vm: 'g' }])
    return JSON.stringify({ ts: String(1000 + 10 * i), src: 'host', event, ...whose })
  })
  return Buffer.from(`${lines.join('\n')}\n`)
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
