/** What capture-host and capture-guest have in common: their options, and what these ask for. */
import { cpus } from 'node:os'
import type { Option } from '../cli/tool.js'
import { Usage } from '../cli/tool.js'
import { parseDuration } from '../clock/duration.js'
import { parseWanted } from '../tracefs/selection.js'
import type { Request } from './setup.js'

export const captureOptions = {
  event: {
    alias: 'e',
    type: 'string',
    array: true,
    value: 'events',
    default: [] as string[],
    describe: 'SYSTEM:EVENT or SYSTEM:EVENT/FILTER/, several with commas; * and ? match any',
  },
  probe: {
    alias: 'p',
    type: 'string',
    array: true,
    value: 'probe',
    default: [] as string[],
    describe: 'SYMBOL or /PATH:SYMBOL, with %return for its end, then what to fetch (kprobetrace.rst)',
  },
  function: {
    alias: 'f',
    type: 'string',
    array: true,
    value: 'function',
    default: [] as string[],
    describe: 'each call of this kernel function (a glob; function tracer)',
  },
  graph: {
    alias: 'g',
    type: 'string',
    array: true,
    value: 'function',
    default: [] as string[],
    describe: 'entry and exit of this kernel function and of what it calls (function_graph)',
  },
  depth: { type: 'number', value: 'n', describe: 'with -g: how deep' },
  stack: { type: 'boolean', default: false, describe: 'the kernel stack of each event' },
  clock: { type: 'string', value: 'name', describe: 'trace clock (default: x86-tsc where there is one, else mono)' },
  duration: {
    alias: 'd',
    type: 'string',
    value: 'duration',
    coerce: (text: string | undefined) => (text === undefined ? undefined : parseDuration(text)),
    describe: 'end after so long',
  },
  count: { alias: 'N', type: 'number', value: 'n', describe: 'end after so many events' },
  cpu: { type: 'string', value: 'list', describe: 'only these CPUs: 0,2-5' },
  pid: { type: 'string', value: 'list', describe: 'only these threads: 123,456' },
  buffer: {
    alias: 'm',
    type: 'string',
    value: 'size',
    coerce: (text: string | undefined) => (text === undefined ? undefined : kibibytes(text)),
    describe: 'ring buffer per CPU: 512K, 4M (default: 16M, less where that is above 256M in all)',
  },
} as const satisfies Record<string, Option>

/** What yargs makes of them. */
export interface CaptureValues {
  event: string[]
  probe: string[]
  function: string[]
  graph: string[]
  depth: number | undefined
  stack: boolean
  clock: string | undefined
  cpu: string | undefined
  pid: string | undefined
  buffer: number | undefined
}

/** Throws Usage. */
export function request(values: CaptureValues): Request {
  const { event, probe, function: functions, graph, depth, stack, clock, buffer } = values
  if (event.length + probe.length + functions.length + graph.length === 0)
    throw new Usage('nothing to trace: -e, -p, -f or -g says what')
  if (functions.length > 0 && graph.length > 0) throw new Usage('-f and -g are two tracers; one runs at a time')
  return {
    events: event.flatMap(wanted),
    probes: probe,
    functions,
    graph,
    depth,
    stack,
    clock,
    bufferKib: buffer ?? defaultKib(),
    cpus: values.cpu === undefined ? undefined : list('--cpu', values.cpu, 65535),
    pids: values.pid === undefined ? undefined : list('--pid', values.pid, 4194304),
  }
}

function wanted(text: string) {
  try {
    return parseWanted(text)
  } catch (error) {
    throw new Usage((error as Error).message)
  }
}

/** `0,2-5` */
function list(option: string, text: string, most: number): number[] {
  const numbers = text.split(',').flatMap((part) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? []
    const from = Number(first)
    const to = Number(last)
    if (!(to <= most) || from > to || to - from > 4096) throw new Usage(`${option} ${text}: not a list such as 0,2-5`)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  return [...new Set(numbers)].sort((a, b) => a - b)
}

/** 16 MiB hold a burst of 400,000 system calls; no more than 256 MiB in all, nor less than 1 MiB each. */
function defaultKib(): number {
  return Math.max(1024, Math.min(16384, Math.floor(262144 / cpus().length)))
}

/** KiB of `512K`, `4M`, `1G`. */
function kibibytes(text: string): number {
  const [, number, unit = ''] = /^(\d+)([KMG])i?B?$/i.exec(text) ?? []
  const size = Number(number) * { K: 1, M: 1024, G: 1 << 20 }[unit.toUpperCase() as 'K' | 'M' | 'G']
  if (!(size >= 4 && size <= 1 << 22)) throw new Error(`--buffer ${text} is not a size such as 512K or 4M (4K to 4G)`)
  return size
}
