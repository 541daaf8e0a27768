/**
 * `perf data convert --to-json` (tools/perf/util/data-convert-json.c): one document, its samples in an array.
 *
 * perf 6.1 writes neither the event's name nor its fields; later ones write the fields, as text, among the
 * sample's own members. Times are nanoseconds.
 */

import { MAX_CPU, MAX_PID } from '../assembly/layout.js'
import { names64 } from './forms.js'
import type { Sample } from './json-samples.js'

const OWN = new Set(['timestamp', 'pid', 'tid', 'cpu', 'comm', 'callchain', 'event', 'period'])
const wide = new Set(names64)

export interface JsonEvent {
  time: string
  event: string
  cpu: number | undefined
  pid: number | undefined
  comm: string | undefined
  args: Record<string, unknown>
  stack: string[] | undefined
}

/** No sample names its event, and nobody else did. */
export class Unnamed extends Error {}

/** An event of a sample; a string says why there is none. */
export function perfSample(sample: Sample, name: string | undefined): JsonEvent | string {
  const time = integer(sample.timestamp)
  if (time === undefined) return 'a sample without a timestamp'
  const event = text(sample.event) || name
  if (event === undefined) throw new Unnamed('the samples do not name their event; --event NAME does')
  return {
    time,
    event,
    cpu: small(sample.cpu, MAX_CPU - 1),
    pid: small(sample.tid ?? sample.pid, MAX_PID - 1),
    comm: text(sample.comm),
    args: fields(sample),
    stack: callchain(sample.callchain),
  }
}

function fields(sample: Sample): Record<string, unknown> {
  const args: [string, unknown][] = []
  for (const [name, value] of Object.entries(sample)) {
    if (OWN.has(name) || name.startsWith('common_')) continue
    args.push([name, typeof value === 'string' ? fieldValue(name, value) : value])
  }
  // not by assignment: `__proto__` is a name like any other
  return Object.fromEntries(args)
}

/** The text of a field as the value that it stands for. */
export function fieldValue(name: string, printed: string): string | number {
  if (!/^(?:-?\d{1,20}|0x[\da-f]{1,16})$/.test(printed)) return printed
  const value = BigInt(printed)
  if (wide.has(name) || value > 0xffffffffn || value < -0x80000000n) return value.toString()
  return Number(value)
}

/** `ffffffff9a4e19d2 try_to_wake_up ([kernel.kallsyms])`, as perf script has it. */
function callchain(frames: unknown): string[] | undefined {
  if (!Array.isArray(frames) || frames.length === 0) return undefined
  return frames.map((frame: Sample) => {
    const address = (text(frame.ip) ?? '').replace(/^0x/, '')
    const module = text(frame.dso)
    return `${address} ${text(frame.symbol) ?? '[unknown]'}${module === undefined ? '' : ` (${module})`}`.trim()
  })
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function integer(value: unknown): string | undefined {
  const digits = typeof value === 'number' ? String(value) : text(value)
  return digits !== undefined && /^-?\d{1,19}$/.test(digits) ? digits : undefined
}

/** A number from 0 to `max`. */
export function small(value: unknown, max: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max ? value : undefined
}
