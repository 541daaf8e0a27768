/**
 * Cycles of one machine to the counter of another, and to nanoseconds: exact in all 64 bits.
 *
 * Host to guest, as the processor and KVM do it (arch/x86/kvm/x86.c: kvm_read_l1_tsc, kvm_scale_tsc, which is
 * mul_u64_u64_shr):
 *
 *     guest_tsc = ((host_tsc * ratio) >> frac_bits) + tsc_offset       mod 2^64
 *
 * Guest to host: the least host_tsc for which that holds, ceil(((guest_tsc - tsc_offset) << frac_bits) / ratio).
 * So there and back is exact from the coarser counter, and less than one cycle of the coarser counter from the
 * finer one: ratio 3/2, host 5 -> guest 7 -> host 5; guest 8 -> host 6 -> guest 9, as no host cycle shows 8.
 *
 * To ns: floor(cycles * num / den), cycles being signed. With q = cycles / den and r = the rest, that is
 * q * num + r * num / den: at 2445430 kHz, num/den is 1000000/2445430 = 100000/244543; 92038856052 cycles are
 * q 376370, r 207142: 37637000000 + 84705 = 37637084705 ns.
 */
import {
  CLOCK_CYCLES,
  CLOCK_DEN,
  CLOCK_FLAGS,
  CLOCK_FRAC,
  CLOCK_INVERSE,
  CLOCK_LIMIT,
  CLOCK_NUM,
  CLOCK_OFFSET,
  CLOCK_RATIO,
  CLOCK_SCALED,
  CLOCK_WIDE,
} from './clock-layout'

// @ts-ignore: decorator
@inline
const LOW: u64 = 0xffffffff

/** The upper half of what `multiply` made. */
let high: u64 = 0

/** a * b: answers the lower 64 bits, leaves the upper in `high`. */
export function multiply(a: u64, b: u64): u64 {
  const low = (a & LOW) * (b & LOW)
  const cross = (a & LOW) * (b >> 32)
  const middle = (a >> 32) * (b & LOW) + (low >> 32) + (cross & LOW)
  high = (a >> 32) * (b >> 32) + (cross >> 32) + (middle >> 32)
  return (middle << 32) | (low & LOW)
}

/** The upper 64 bits of the last product. */
export function upperHalf(): u64 {
  return high
}

/** What is left over from `divide`. */
let rest: u64 = 0

/** upper:lower / by, for upper < by: Knuth's algorithm D with two digits of 32 bits (Hacker's Delight, divlu). */
function divide(upper: u64, lower: u64, by: u64): u64 {
  if (upper == 0) {
    rest = lower % by
    return lower / by
  }
  const shift = clz(by)
  by <<= shift
  if (shift != 0) upper = (upper << shift) | (lower >> (64 - shift))
  lower <<= shift
  const first = digit(upper, lower >> 32, by)
  upper = ((upper << 32) | (lower >> 32)) - first * by
  const second = digit(upper, lower & LOW, by)
  rest = (((upper << 32) | (lower & LOW)) - second * by) >> shift
  return (first << 32) | second
}

/** One digit of the quotient: (upper * 2^32 + next) / by, with by's top bit set. */
function digit(upper: u64, next: u64, by: u64): u64 {
  const byHigh = by >> 32
  const byLow = by & LOW
  let guess = upper / byHigh
  let over = upper - guess * byHigh
  while (guess > LOW || guess * byLow > ((over << 32) | next)) {
    guess--
    over += byHigh
    if (over > LOW) break
  }
  return guess
}

// @ts-ignore: decorator
@inline
function field(clock: usize, word: i32): u64 {
  return load<u64>(clock + <usize>(word << 2))
}

/**
 * Converts the 64 bits at `at` in place by the clock there. False, and nothing is changed, where the result
 * needs more than 64 bits.
 */
export function align(clock: usize, at: usize): bool {
  const flags = load<u32>(clock + CLOCK_FLAGS * 4)
  const frac = <u64>load<u32>(clock + CLOCK_FRAC * 4)
  let t = load<u64>(at)
  if (flags & CLOCK_INVERSE) {
    t -= field(clock, CLOCK_OFFSET)
    if (flags & CLOCK_SCALED) {
      const ratio = field(clock, CLOCK_RATIO)
      const upper = frac == 0 ? 0 : t >> (64 - frac)
      if (upper >= ratio) return false
      t = divide(upper, t << frac, ratio)
      if (rest != 0) t++
    }
  } else {
    if (flags & CLOCK_SCALED) {
      t = multiply(t, field(clock, CLOCK_RATIO))
      if (frac != 0) t = (high << (64 - frac)) | (t >> frac)
    }
    t += field(clock, CLOCK_OFFSET)
  }
  if (!(flags & CLOCK_CYCLES)) {
    const negative = <i64>t < 0
    const size = negative ? 0 - t : t
    if (size > field(clock, CLOCK_LIMIT)) return false
    t = nanoseconds(size, field(clock, CLOCK_NUM), field(clock, CLOCK_DEN), (flags & CLOCK_WIDE) != 0, negative)
  }
  store<u64>(at, t)
  return true
}

/** size * num / den; downwards, so away from 0 where it is `negative`. */
function nanoseconds(size: u64, num: u64, den: u64, wide: bool, negative: bool): u64 {
  const q = size / den
  const r = size - q * den
  let part: u64
  if (wide) {
    const low = multiply(r, num)
    part = divide(high, low, den)
  } else {
    part = (r * num) / den
    rest = r * num - part * den
  }
  const ns = q * num + part
  if (!negative) return ns
  return 0 - (rest == 0 ? ns : ns + 1)
}
