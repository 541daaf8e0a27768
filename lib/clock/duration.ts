/**
 * Durations as people type them: `1ms`, `50us`, `1.5s`, `200ns`, `2m`. A bare number has no unit, so it is
 * refused: the tools this one stands beside take it for seconds, milliseconds or nanoseconds.
 */

const units: Record<string, number> = {
  ns: 1,
  us: 1_000,
  µs: 1_000,
  ms: 1_000_000,
  s: 1_000_000_000,
  m: 60_000_000_000,
}

/** Nanoseconds. Throws an Error that says what was expected. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|ms|s|m)$/.exec(text)
  const ns = match ? Number(match[1]) * (units[match[2] as string] as number) : Number.NaN
  if (!Number.isSafeInteger(Math.round(ns)))
    throw new Error(`${JSON.stringify(text)} is not a duration such as 1ms, 50us or 1.5s`)
  return Math.round(ns)
}

/** As a person reads it, three digits after the point: `23.485 ms`, `-1.000 ms`, `842 ns`. */
export function showDuration(ns: number): string {
  const size = Math.abs(ns)
  if (size < 1_000) return `${ns} ns`
  if (size < 1_000_000) return `${(ns / 1_000).toFixed(3)} us`
  if (size < 1_000_000_000) return `${(ns / 1_000_000).toFixed(3)} ms`
  return `${(ns / 1_000_000_000).toFixed(3)} s`
}
