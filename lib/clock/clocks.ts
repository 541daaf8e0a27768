/**
 * Clocks: which clock an event's cycles are of. One per src; where vCPUs differ, one per vCPU: from host to guest
 * the vCPU is known by its thread (`pid`), from guest to host it is the guest's `cpu`.
 *
 * The frequency is the one given, else what the src's own `stream` record says. A scaled counter runs at another
 * frequency than the one its stream record speaks of, so with a ratio it has to be given.
 */
import { CPU, HAS, HAS_CPU, HAS_PID, PID, SRC } from '../assembly/layout.js'
import { Failure } from '../cli/tool.js'
import { words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import { machineClock, parseInteger64, parseKhz, parseRatio, type Rate } from './machine-clock.js'

/** What one vCPU has of its own. */
export interface Vcpu {
  vcpu: number
  offset: bigint
  ratio: bigint | undefined
}

export interface ClocksOptions {
  /** Only this src; undefined: every one. */
  src: string | undefined
  inverse: boolean
  cycles: boolean
  offset: bigint
  ratio: bigint | undefined
  fracBits: number | undefined
  rate: Rate | undefined
  vcpus: readonly Vcpu[]
  /** pid of a host thread → vCPU. */
  threads: ReadonlyMap<number, number>
}

export interface Clocks {
  /** Is this src (its id) to be aligned? */
  concerns(src: number): boolean
  /** The clock for a row's cycles. Throws a Failure where its frequency is not known. */
  of(row: number): number
  /** A stream record of `src` gives its frequency in kHz. */
  heard(src: number, khz: string): void
}

/** A src's clocks: the one for all, those by pid, those by cpu. */
interface SrcClocks {
  main: number
  byPid: Map<number, number> | null
  byCpu: Map<number, number> | null
}

/** A guest may send what it likes: each change of its frequency takes memory. */
const MAX_CHANGES = 1000

export function clocksOf(options: ClocksOptions): Clocks {
  check(options)
  const { inverse, cycles, fracBits, vcpus, threads } = options
  const only = options.src === undefined ? -1 : idOf(options.src)
  const scaled = options.ratio !== undefined || vcpus.some(({ ratio }) => ratio !== undefined)
  const rates: (Rate | undefined)[] = []
  const sets: (SrcClocks | undefined)[] = []
  let changes = 0

  function clock(src: number, offset: bigint, ratio: bigint | undefined): number {
    const rate = cycles ? undefined : (options.rate ?? rates[src])
    if (!cycles && !rate) throw new Failure(missing(nameOf(src), scaled))
    return machineClock({ inverse, offset, ratio, fracBits, rate })
  }

  function makeSet(src: number): SrcClocks {
    const main = clock(src, options.offset, options.ratio)
    const own = new Map(vcpus.map(({ vcpu, offset, ratio }) => [vcpu, clock(src, offset, ratio ?? options.ratio)]))
    const byPid = new Map([...threads].map(([pid, vcpu]) => [pid, own.get(vcpu) ?? main]))
    const set = { main, byPid: byPid.size > 0 && !inverse ? byPid : null, byCpu: own.size > 0 && inverse ? own : null }
    sets[src] = set
    return set
  }

  return {
    concerns: (src) => only === -1 || src === only,
    of(row) {
      const src = words[row + SRC] as number
      const { main, byPid, byCpu } = sets[src] ?? makeSet(src)
      const has = words[row + HAS] as number
      if (byPid !== null && has & HAS_PID) return byPid.get(words[row + PID] as number) ?? main
      if (byCpu !== null && has & HAS_CPU) return byCpu.get(words[row + CPU] as number) ?? main
      return main
    },
    heard(src, khz) {
      if (options.rate || scaled) return
      const rate = parseKhz(khz)
      const known = rates[src]
      if (known?.num === rate.num && known.den === rate.den) return
      if (known && ++changes > MAX_CHANGES)
        throw new Failure(`the stream records of ${nameOf(src)} keep changing tsc_khz; --tsc-khz settles it`)
      rates[src] = rate
      sets[src] = undefined
    },
  }
}

/** The clocks of those srcs whose cycles are on the common timeline already. */
export function unmovedClocks(options: ClocksOptions): Clocks {
  return clocksOf({
    ...options,
    src: undefined,
    offset: 0n,
    ratio: undefined,
    fracBits: undefined,
    vcpus: [],
    threads: new Map(),
  })
}

function check({ ratio, fracBits, vcpus, threads, inverse }: ClocksOptions): void {
  if (fracBits === undefined && (ratio !== undefined || vcpus.some((vcpu) => vcpu.ratio !== undefined)))
    throw new Error('a scaling ratio needs --tsc-scaling-ratio-frac-bits: 48 on Intel, 32 on AMD')
  if (vcpus.length > 0 && threads.size === 0 && !inverse)
    throw new Error('--vcpu needs --vcpu-thread PID=N: on the host, a vCPU is known by its thread')
  for (const vcpu of threads.values())
    if (!vcpus.some((own) => own.vcpu === vcpu))
      throw new Error(`--vcpu-thread speaks of vCPU ${vcpu}, which no --vcpu describes`)
}

function missing(src: string, scaled: boolean): string {
  const name = src === '' ? 'events without src' : JSON.stringify(src)
  if (scaled)
    return `the frequency of the scaled counter of ${name} is not known: give --tsc-khz, or --cycles to stay in cycles`
  return `the frequency of ${name} is not known: give --tsc-khz (dmesg: "tsc: Refined TSC clocksource calibration"), or a stream record with tsc_khz, or --cycles`
}

/** `N:OFFSET` or `N:OFFSET:RATIO`. */
export function parseVcpu(text: string): Vcpu {
  const match = /^(\d{1,5}):([^:]+)(?::([^:]+))?$/.exec(text)
  if (!match) throw new Error(`${JSON.stringify(text)} is not VCPU:OFFSET or VCPU:OFFSET:RATIO`)
  return {
    vcpu: Number(match[1]),
    offset: parseInteger64(match[2] as string),
    ratio: match[3] === undefined ? undefined : parseRatio(match[3]),
  }
}

/** `PID=N`. */
export function parseThreads(texts: readonly string[]): Map<number, number> {
  return new Map(
    texts.map((text) => {
      const match = /^(\d{1,10})=(\d{1,5})$/.exec(text)
      if (!match) throw new Error(`${JSON.stringify(text)} is not PID=VCPU`)
      return [Number(match[1]), Number(match[2])]
    }),
  )
}
