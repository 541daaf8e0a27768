/**
 * The trace event format of Chrome and Perfetto: `{"traceEvents":[{"name":…,"ph":"X","ts":12.5,…}]}`, or the array
 * alone. `ts` is microseconds, with a fraction; exporters that keep nanoseconds apart put them in `args.ts_ns`.
 *
 * | `ph` | event |
 * | --- | --- |
 * | `B`, `b` and `E`, `e` | `name`, and `name__return` for the end, as perf calls the end of a function |
 * | `X` | `name`; how long it took is `args.dur_ns` |
 * | `M` | none: `thread_name` gives the comm of later events |
 * | `s`, `t`, `f` | none: an arrow between events is no event |
 * | others (`i`, `C`, …) | `name` |
 */
import { MAX_CPU, MAX_PID } from '../assembly/layout.js'
import type { Sample } from './json-samples.js'
import { type JsonEvent, small, text } from './perf-json.js'

const ARROWS = new Set(['s', 't', 'f'])
const ENDS = new Set(['E', 'e'])

export interface Chrome {
  /** The event; null where the element is none; a string says what is wrong. */
  event(sample: Sample): JsonEvent | string | null
}

export function chrome(): Chrome {
  const comms = new Map<unknown, string>()
  return {
    event(sample) {
      const args = object(sample.args)
      if (sample.ph === 'M') {
        const comm = text(args.name)
        if (sample.name === 'thread_name' && comm !== undefined) comms.set(sample.tid, comm)
        return null
      }
      if (ARROWS.has(sample.ph as string)) return null
      const name = text(sample.name)
      if (!name) return 'an event without a name'
      const time = text(args.ts_ns) ?? nanoseconds(sample.ts)
      if (time === undefined || !/^-?\d{1,19}$/.test(time)) return 'an event without a ts'
      const category = text(sample.cat)
      const full = category && /^[\w.-]+$/.test(category) ? `${category}:${name}` : name
      return {
        time,
        event: ENDS.has(sample.ph as string) ? `${full}__return` : full,
        cpu: small(args.cpu, MAX_CPU - 1),
        pid: small(sample.tid, MAX_PID - 1),
        comm: comms.get(sample.tid),
        args: withDuration(args, nanoseconds(sample.dur)),
        stack: undefined,
      }
    },
  }
}

function object(value: unknown): Sample {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Sample) : {}
}

function withDuration(args: Sample, duration: string | undefined): Sample {
  return duration === undefined ? args : { ...args, dur_ns: Number(duration) }
}

/** Microseconds, as digits with a fraction or not, in whole nanoseconds (what is below is cut off). */
export function nanoseconds(micros: unknown): string | undefined {
  const digits = typeof micros === 'number' ? String(micros) : text(micros)
  const parts = digits === undefined ? null : /^(-?)(\d+)(?:\.(\d+))?$/.exec(digits)
  if (!parts) {
    const exponent = digits !== undefined && /^-?\d+(?:\.\d+)?e[+-]?\d+$/i.test(digits)
    const rounded = exponent ? Math.round(Number(digits) * 1000) : Number.NaN
    return Number.isFinite(rounded) ? BigInt(rounded).toString() : undefined
  }
  const [, sign, whole, fraction = ''] = parts
  return BigInt(`${sign}${whole}${fraction.slice(0, 3).padEnd(3, '0')}`).toString()
}
