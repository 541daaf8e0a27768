/**
 * Clocks: which clock an event's cycles are of. One per src; where vCPUs differ, one per vCPU: from host to guest
 * the vCPU is known by its thread (`pid`), from guest to host it is the guest's `cpu`.
 *
 * An offset may change: each one reigns from some time of the host's counter on. A guest's time that would be before
 * the change under the new offset is of the old one:
 *
 *     host 1000: offset 50 -> 80. Guest 1040: 1040 - 80 < 1000, so it is host 990. Guest 1085 is host 1005.
 *     host 1000: offset 80 -> 50. Guest 1060 is host 1010, or was 980: the new offset is taken.
 */
import { CPU, HAS, HAS_CPU, HAS_PID, PID, SRC, TIME } from '../assembly/layout.js'
import { integer64 } from '../wire/int64.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import { type Frequency, ownFrequency } from './frequency.js'
import { freeClock, machineClock, parseInteger64, parseRatio, type Rate } from './machine-clock.js'

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
  /** Whose changes are those of the common offset as well. */
  commonVcpu?: number
  /** undefined: `rate`, or what each src says. */
  frequency?: Frequency
  /** Is a src's counter another one than the timeline's? undefined: that of each is. */
  moves?: (src: number) => boolean
}

export interface Clocks {
  /** Is this src (its id) to be aligned? */
  concerns(src: number): boolean
  /** The clock for a row's cycles, or for another time of it. Throws a Failure where its frequency is not known. */
  of(row: number, time?: bigint): number
  /** A stream record of `src` gives its frequency in kHz. */
  heard(src: number, khz: string): void
}

/** What became of a vCPU's offset. */
export interface Change {
  vcpu: number
  offset: bigint
  /** When, on the host's counter, and what it was until then; undefined: it is so from here on. */
  since?: { from: bigint; previous: bigint }
}

/** Clocks whose offsets may change. */
export interface LiveClocks extends Clocks {
  /** Answers whether it is one. */
  change(change: Change): boolean
  /** What a vCPU has now. */
  offset(vcpu: number): bigint | undefined
  /** pid of a host thread → vCPU. */
  readonly threads: Map<number, number>
}

/** What a vCPU has, from the host's time `from` on; undefined: from the beginning. */
interface Reign {
  from: bigint | undefined
  offset: bigint
  ratio: bigint | undefined
}

/** How many changes of a vCPU are known; events from before the last but so many have a wrong offset. */
const MAX_REIGNS = 16

export function clocksOf(given: ClocksOptions): LiveClocks {
  const options = described(given)
  const { inverse, cycles, fracBits, moves = () => true } = options
  const only = options.src === undefined ? -1 : idOf(options.src)
  const scaled = options.ratio !== undefined || options.vcpus.some(({ ratio }) => ratio !== undefined)
  const frequency = options.frequency ?? ownFrequency(options.rate, scaled)
  /** The newest first, here and of each vCPU. */
  const common: Reign[] = [{ from: undefined, offset: options.offset, ratio: options.ratio }]
  const vcpus = new Map<number, Reign[]>(
    options.vcpus.map(({ vcpu, offset, ratio }) => [
      vcpu,
      vcpu === options.commonVcpu ? common : [{ from: undefined, offset, ratio: ratio ?? options.ratio }],
    ]),
  )
  const threads = new Map(options.threads)
  const unmoved: Reign[] = [{ from: undefined, offset: 0n, ratio: undefined }]
  /** Of each src, by what they convert. */
  const made: (Map<Reign, number> | undefined)[] = []
  /** Of each src, the clock that all of its events have, where there is but one. */
  const single: (number | undefined)[] = []
  let uniform = isUniform()

  function clock(src: number, reign: Reign): number {
    made[src] ??= new Map()
    const known = made[src].get(reign)
    if (known !== undefined) return known
    const { offset, ratio } = reign
    const address = machineClock({ inverse, offset, ratio, fracBits, rate: cycles ? undefined : frequency.of(src) })
    made[src].set(reign, address)
    return address
  }

  function forget(): void {
    uniform = isUniform()
    single.length = 0
    for (const clocks of made) for (const address of clocks?.values() ?? []) freeClock(address)
    made.length = 0
  }

  /** Those of the vCPU that a row is of, else the common ones. */
  function reignsOf(row: number): Reign[] {
    const has = words[row + HAS] as number
    if (!(has & (inverse ? HAS_CPU : HAS_PID))) return common
    const vcpu = inverse ? (words[row + CPU] as number) : threads.get(words[row + PID] as number)
    return (vcpu !== undefined && vcpus.get(vcpu)) || common
  }

  /** Where the time would be before the reign began, it is of one before. */
  function reignAt(reigns: Reign[], time: bigint): Reign {
    const at = reigns.find(({ from, offset, ratio }) => {
      if (from === undefined) return true
      return BigInt.asIntN(64, (inverse ? hostTime(time, offset, ratio) : time) - from) >= 0n
    })
    return at ?? (reigns.at(-1) as Reign)
  }

  function hostTime(time: bigint, offset: bigint, ratio: bigint | undefined): bigint {
    const moved = BigInt.asUintN(64, time - offset)
    return ratio === undefined ? moved : ((moved << BigInt(fracBits as number)) + ratio - 1n) / ratio
  }

  function isUniform(): boolean {
    const { offset, ratio } = common[0] as Reign
    return [common, ...vcpus.values()].every(
      ([reign, older]) => older === undefined && reign?.offset === offset && reign.ratio === ratio,
    )
  }

  return {
    threads,
    concerns: (src) => only === -1 || src === only,
    of(row, time) {
      const src = words[row + SRC] as number
      const simple = single[src]
      if (simple !== undefined) return simple
      const reigns = moves(src) ? reignsOf(row) : unmoved
      const reign = reigns.length === 1 ? (reigns[0] as Reign) : reignAt(reigns, time ?? integer64(row + TIME))
      const address = clock(src, reign)
      if (uniform) single[src] = address
      return address
    },
    heard(src, khz) {
      if (frequency.heard(src, khz)) forget()
    },
    offset: (vcpu) => vcpus.get(vcpu)?.[0]?.offset,
    change({ vcpu, offset, since }) {
      const reigns = vcpus.get(vcpu) ?? [{ ...(common.at(-1) as Reign) }]
      vcpus.set(vcpu, reigns)
      const last = reigns[0] as Reign
      if (last.offset === offset && (since?.previous ?? offset) === offset) return false
      const next = { from: since?.from, offset, ratio: last.ratio }
      if (since) reigns.splice(0, 1, next, { ...last, offset: since.previous })
      else reigns.splice(0, reigns.length, next)
      reigns.splice(MAX_REIGNS)
      forget()
      return true
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

/** Threads without a word on their vCPUs: these have the common offset, which follows the changes of the lowest. */
function described(options: ClocksOptions): ClocksOptions {
  const { offset, ratio, vcpus, threads } = options
  if (vcpus.length > 0 || threads.size === 0) return options
  const numbers = [...new Set(threads.values())]
  const same = numbers.map((vcpu) => ({ vcpu, offset, ratio }))
  return { ...options, vcpus: same, commonVcpu: Math.min(...numbers) }
}

/** What is given by hand may not fit together. Throws. */
export function checkClocks({ ratio, fracBits, vcpus, threads, inverse }: ClocksOptions): void {
  if (fracBits === undefined && (ratio !== undefined || vcpus.some((vcpu) => vcpu.ratio !== undefined)))
    throw new Error('a scaling ratio needs --tsc-scaling-ratio-frac-bits: 48 on Intel, 32 on AMD')
  if (vcpus.length > 0 && threads.size === 0 && !inverse)
    throw new Error('--vcpu needs --vcpu-thread PID=N: on the host, a vCPU is known by its thread')
  for (const vcpu of vcpus.length > 0 ? threads.values() : [])
    if (!vcpus.some((own) => own.vcpu === vcpu))
      throw new Error(`--vcpu-thread speaks of vCPU ${vcpu}, which no --vcpu describes`)
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
