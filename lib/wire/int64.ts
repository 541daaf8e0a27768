/**
 * 64-bit integers in two 32-bit words, as they stand in rows: compared and subtracted without making a
 * bigint. `high` is signed, `low` is taken for what its bits say.
 */
import { words } from './memory.js'

/** Is high:low before otherHigh:otherLow. */
export function before(high: number, low: number, otherHigh: number, otherLow: number): boolean {
  return high < otherHigh || (high === otherHigh && low >>> 0 < otherLow >>> 0)
}

/** high:low less fromHigh:fromLow, exact while it is below 2^53. */
export function difference(high: number, low: number, fromHigh: number, fromLow: number): number {
  return (high - fromHigh) * 0x1_0000_0000 + ((low >>> 0) - (fromLow >>> 0))
}

/** The integer in the two words at `word`, two's complement. */
export function integer64(word: number): bigint {
  return wide(words[word + 1] as number, words[word] as number)
}

export function wide(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0)
}
