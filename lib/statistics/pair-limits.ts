/** Limits: which pairs go out, of `--than` and `--lower` those beyond either, and how many they were. */
import { showDuration } from '../clock/duration.js'

export interface Limits {
  /** Asked once for each pair, and counted. */
  lets(delta: number): boolean
  /** `1 took longer than 1.000 ms` */
  said(): string[]
  /** For the summary. */
  counts(): { than_ns?: number; slower?: number; lower_ns?: number; faster?: number }
}

/** In ns. Without any, all pairs go out. */
export function limits(than: number | undefined, lower: number | undefined): Limits {
  const all = than === undefined && lower === undefined
  let slower = 0
  let faster = 0
  return {
    lets(delta) {
      if (all) return true
      if (than !== undefined && delta > than) {
        slower++
        return true
      }
      if (lower === undefined || delta >= lower) return false
      faster++
      return true
    },
    said: () => [
      ...(than === undefined ? [] : [`${slower} took longer than ${showDuration(than)}`]),
      ...(lower === undefined ? [] : [`${faster} took less than ${showDuration(lower)}`]),
    ],
    counts: () => ({
      ...(than === undefined ? {} : { than_ns: than, slower }),
      ...(lower === undefined ? {} : { lower_ns: lower, faster }),
    }),
  }
}
