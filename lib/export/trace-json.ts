/**
 * The trace event format, which Perfetto and chrome://tracing open: one JSON object, an element of `traceEvents` a
 * line (Trace Event Format, docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU).
 *
 * | `ph` | element |
 * | --- | --- |
 * | `X` | a slice of a track (`pid`, `tid`) from `ts` for `dur`; those of a track nest |
 * | `i` | an instant; `s` says of what: track `t`, process `p`, all `g` |
 * | `b`, `e` | an asynchronous slice of a process, which may overlap others: both have its `cat` and `id` |
 * | `s`, `t`, `f` | an arrow: begins, goes on, ends at what stands on that track at that time |
 * | `C` | a counter |
 * | `M` | the name of a process or a track |
 *
 * `ts` and `dur` are microseconds: written as digits with three decimals, so that they are exact, and from a base, so
 * that a reader's double has them to the nanosecond: 53 bits hold thousandths below 2^42 us, 50 days. Perfetto drops
 * what is below 0. There is no displayTimeUnit: some versions of Perfetto took "ns" for the unit of ts.
 */
import type { Members } from '../wire/comment.js'
import { textOf } from '../wire/plain-text.js'

export interface TraceJson {
  /** ns; the base is chosen by the first time that is asked for. */
  at(time: bigint): string
  duration(ns: bigint): string
  readonly base: bigint | undefined
  /** The earliest time so far. */
  readonly first: bigint
  /** Times that are before the base, or beyond what a double tells to the nanosecond. */
  readonly outside: number
  /** `ts` and `dur` are JSON text; the other members are values. */
  put(ph: string, track: Place, times: { ts?: string; dur?: string }, members: Members): void
  end(otherData: Members): void
}

export interface Place {
  pid: number
  tid: number
}

const DAY = 86_400_000_000_000n
/** 2^41 us: whoever begins below it can stay below 2^42. */
const SMALL = (1n << 41n) * 1000n

export function traceJson(print: (text: string) => void): TraceJson {
  let base: bigint | undefined
  let first: bigint | undefined
  let outside = 0
  let separator = '{"traceEvents":[\n'

  return {
    get base() {
      return base
    },
    get first() {
      return first ?? 0n
    },
    get outside() {
      return outside
    },
    at(time) {
      if (first === undefined || time < first) first = time
      base ??= baseOf(time)
      const ns = time - base
      if (ns < 0n || ns >= 2n * SMALL) outside++
      return micros(ns)
    },
    duration: micros,
    put(ph, { pid, tid }, { ts, dur }, { name, ...members }) {
      const head = `${separator}{"name":${quoted(name)},"ph":"${ph}","pid":${pid},"tid":${tid}`
      const times = `${ts === undefined ? '' : `,"ts":${ts}`}${dur === undefined ? '' : `,"dur":${dur}`}`
      const rest = harmless(JSON.stringify(members)).slice(1)
      separator = ',\n'
      print(`${head}${times}${rest === '}' ? '' : ','}${rest}`)
    },
    end(otherData) {
      print(`${separator === ',\n' ? '' : separator}\n],"otherData":${harmless(JSON.stringify(otherData))}}\n`)
    },
  }
}

/** 0 where times are small; else a whole day, the one before, as a pair may have begun earlier than the first event. */
function baseOf(time: bigint): bigint {
  return time >= 0n && time < SMALL ? 0n : (time / DAY) * DAY - (time < 0n ? 2n : 1n) * DAY
}

/** 12345678 ns is 12345.678 us. */
export function micros(ns: bigint): string {
  const size = ns < 0n ? -ns : ns
  return `${ns < 0n ? '-' : ''}${size / 1000n}.${String(size % 1000n).padStart(3, '0')}`
}

function quoted(name: unknown): string {
  return harmless(JSON.stringify(textOf(name)))
}

/**
 * JSON that does nothing to a terminal it is printed on (ESC, what reorders text), nor to a page it is put into
 * (`</script>`, `<!--`): the same strings, with escapes.
 */
export function harmless(json: string): string {
  if (!/[^ -~]|<[/!]/.test(json)) return json
  return json.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|<(?=[/!])/gu, (character) =>
    Array.from(
      { length: character.length },
      (_unit, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}
