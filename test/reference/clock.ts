/** What the kernel makes of a counter (arch/x86/kvm/x86.c), in BigInt: the reference for lib/clock and lib/assembly/clock.ts. */
import type { Transform } from '../../lib/clock/machine-clock.js'

export const u64 = (n: bigint) => BigInt.asUintN(64, n)
export const i64 = (n: bigint) => BigInt.asIntN(64, n)
const floor = (a: bigint, b: bigint) => (a - (((a % b) + b) % b)) / b

/** guest_tsc = ((host_tsc * ratio) >> frac_bits) + tsc_offset, mod 2^64. */
function toGuest(host: bigint, { offset, ratio, fracBits = 0 }: Transform): bigint {
  return u64((ratio === undefined ? u64(host) : (u64(host) * ratio) >> BigInt(fracBits)) + offset)
}

/** The least host_tsc that gives it, or undefined where none of 64 bits does. */
function toHost(guest: bigint, { offset, ratio, fracBits = 0 }: Transform): bigint | undefined {
  const moved = u64(guest - offset)
  if (ratio === undefined) return moved
  const scaled = moved << BigInt(fracBits)
  if (scaled / ratio >= 1n << 64n) return undefined
  return u64((scaled + ratio - 1n) / ratio)
}

/** Cycles or ns; undefined where they need more than 64 bits. */
export function converted(cycles: bigint, transform: Transform): bigint | undefined {
  const moved = transform.inverse ? toHost(cycles, transform) : toGuest(cycles, transform)
  if (moved === undefined) return undefined
  if (!transform.rate) return i64(moved)
  const ns = floor(i64(moved) * transform.rate.num, transform.rate.den)
  return ns < 1n << 63n && ns >= -(1n << 63n) ? ns : undefined
}
