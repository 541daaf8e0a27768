/** A host's stream in the wire format: with times in ns as one stream, or in cycles as one for each of its machines. */
import type { Host, Item } from './play.js'
import { TSC_KHZ } from './recording.js'
import { nanoseconds } from './truth.js'

export interface Line {
  /** ns since the host's clock was 0. */
  at: bigint
  text: string
}

/** What the host and its guests saw, on the host's clock in ns, in order. */
export function* alignedLines(host: Host): Generator<Line> {
  const first = host.items[0]?.at ?? 0n
  const start = { version: 1, clock: 'x86-tsc', unit: 'ns', hostname: host.name, tool: 'sim' }
  yield { at: nanoseconds(first), text: JSON.stringify({ type: 'stream', src: 'host', ...start }) }
  let told = 0n
  for (const item of host.items) {
    const at = nanoseconds(item.at)
    if (at - told >= CLOCK_NS) {
      told = at
      yield { at, text: JSON.stringify({ type: 'clock', src: 'host', ts: `${at}`, wall: `${host.wall + at}` }) }
    }
    yield { at, text: textOf(item, 'ts', nanoseconds) }
  }
}

/** What one machine saw, on its own counter: a guest's, or (undefined) the host's. */
export function* machineLines({ name, offsets, wall, items }: Host, guest: number | undefined): Generator<Line> {
  const offset = guest === undefined ? 0n : (offsets[guest] as bigint)
  const own = (at: bigint) => BigInt.asUintN(64, at + offset)
  const src = nameOf(guest)
  const start = {
    version: 1,
    clock: 'x86-tsc',
    unit: 'tsc',
    tsc_khz: TSC_KHZ,
    hostname: guest === undefined ? name : src,
  }
  yield { at: 0n, text: JSON.stringify({ type: 'stream', src, ...start, tool: 'sim' }) }
  let told = 0n
  for (const item of items) {
    const of = item.kind === 'lost' ? item.guest : item.of.guest ? item.guest : undefined
    if (of !== guest) continue
    const at = nanoseconds(item.at)
    if (at - told >= CLOCK_NS) {
      told = at
      yield { at, text: JSON.stringify({ type: 'clock', src, tsc: `${own(item.at)}`, wall: `${wall + at}` }) }
    }
    yield { at, text: textOf(item, 'tsc', own) }
  }
}

const CLOCK_NS = 250_000_000n

function textOf(item: Item, member: 'ts' | 'tsc', time: (cycles: bigint) => bigint): string {
  if (item.kind === 'lost') {
    const { guest, count, at, to } = item
    return JSON.stringify({ type: 'lost', src: nameOf(guest), count, from: `${time(at)}`, to: `${time(to)}` })
  }
  const { at, guest, of } = item
  const { event, cpu, pid, comm, args, key } = of
  const vm = nameOf(guest)
  const thread = of.guest ? pid : pid + 1000 * (guest + 1)
  const head = `{"${member}":"${time(at)}","src":"${of.guest ? vm : 'host'}","event":"${event}","cpu":${cpu},"pid":${thread}`
  return `${head},"comm":${JSON.stringify(comm)},"args":${args},"vm":"${vm}"${key === undefined ? '' : `,"key":${key}`}}`
}

export function nameOf(guest: number | undefined): string {
  return guest === undefined ? 'host' : `vm${guest + 1}`
}
