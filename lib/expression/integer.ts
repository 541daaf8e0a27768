/**
 * 64-bit integers as C has them (C11 6.3.1.8, the usual arithmetic conversions, for int64_t and uint64_t).
 *
 * An Integer is -2^63 … 2^64-1: a number while it is a safe integer (|n| < 2^53), else a bigint; never a bigint that
 * a number could hold, never -0. One of 2^63 or more is a uint64_t, any other an int64_t. Where either operand is
 * unsigned the other is converted to it, and the result wraps to 64 bits of that kind; a shift has the type of its
 * left operand alone.
 *
 *   -1 == 0xffffffffffffffff          1: -1 is converted
 *   0x7fffffffffffffff + 1            -9223372036854775808
 *   0xffffffffffffffff + 1            0
 *   4276097024 >> 12                  1043969, where JavaScript's own >> says -4607
 *
 * Two numbers are calculated with as numbers wherever that is exact, which is nearly always: a sum or product that
 * rounds to less than 2^53 was not rounded at all, and a quotient a/b differs from the next integer by at least 1/b,
 * which is more than the rounding of it (a < 2^53).
 */
import { EvaluationError } from './error.js'

export type Integer = number | bigint

const UNSIGNED = 2n ** 63n
const LEAST = -UNSIGNED
const LARGEST = 2n ** 64n - 1n
const HIGH = 2 ** 32
const POWERS = Array.from({ length: 64 }, (_, n) => 2 ** n)

/** The canonical form of a bigint in range. */
export function canonical(value: bigint): Integer {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

export function inRange(value: bigint): boolean {
  return value >= LEAST && value <= LARGEST
}

/** Reads decimal text in canonical form: "4276097024", "-5"; undefined for "007", "-0", "1e3", " 1", 2^64. */
export function integerIn(text: string): Integer | undefined {
  const { length } = text
  const start = text.charCodeAt(0) === 0x2d ? 1 : 0
  if (length === start || length - start > 20) return undefined
  if (text.charCodeAt(start) === 0x30) return length === 1 ? 0 : undefined
  let value = 0
  for (let i = start; i < length; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (!(digit >= 0 && digit <= 9)) return undefined
    value = value * 10 + digit
  }
  if (value <= Number.MAX_SAFE_INTEGER) return start === 1 ? -value : value
  const exact = BigInt(text)
  return inRange(exact) ? canonical(exact) : undefined
}

export function add(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    const sum = left + right
    if (Number.isSafeInteger(sum)) return sum
  }
  return converted(left, right, (l, r) => l + r)
}

export function subtract(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    const difference = left - right
    if (Number.isSafeInteger(difference)) return difference
  }
  return converted(left, right, (l, r) => l - r)
}

export function multiply(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    const product = left * right
    if (Number.isSafeInteger(product)) return product + 0
  }
  return converted(left, right, (l, r) => l * r)
}

export function divide(left: Integer, right: Integer): Integer {
  checkDivision(left, right, '/')
  if (typeof left === 'number' && typeof right === 'number') return Math.trunc(left / right) + 0
  return converted(left, right, (l, r) => l / r)
}

export function remainder(left: Integer, right: Integer): Integer {
  checkDivision(left, right, '%')
  if (typeof left === 'number' && typeof right === 'number') return (left % right) + 0
  return converted(left, right, (l, r) => l % r)
}

/** C11 6.5.5: undefined for zero, and where the quotient is not representable, of both / and %. */
function checkDivision(left: Integer, right: Integer, sign: string): void {
  if (right === 0) throw new EvaluationError(`division by zero: ${left} ${sign} 0`)
  if (right === -1 && left === LEAST) throw new EvaluationError(`the quotient overflows: ${left} ${sign} -1`)
}

export function and(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    if ((left | 0) === left && (right | 0) === right) return left & right
    const both = joined(high(left) & high(right), left & right)
    if (Number.isSafeInteger(both)) return both
  }
  return converted(left, right, (l, r) => l & r)
}

export function or(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    if ((left | 0) === left && (right | 0) === right) return left | right
    const either = joined(high(left) | high(right), left | right)
    if (Number.isSafeInteger(either)) return either
  }
  return converted(left, right, (l, r) => l | r)
}

export function xor(left: Integer, right: Integer): Integer {
  if (typeof left === 'number' && typeof right === 'number') {
    if ((left | 0) === left && (right | 0) === right) return left ^ right
    const one = joined(high(left) ^ high(right), left ^ right)
    if (Number.isSafeInteger(one)) return one
  }
  return converted(left, right, (l, r) => l ^ r)
}

/** A safe integer is high * 2^32 + low in two's complement, with a high half of 22 bits, sign included. */
function high(value: number): number {
  return Math.floor(value / HIGH)
}

function joined(high: number, low: number): number {
  return high * HIGH + (low >>> 0)
}

export function shiftLeft(left: Integer, right: Integer): Integer {
  const count = shiftCount(right)
  if (typeof left === 'number') {
    const shifted = left * (POWERS[count] as number)
    if (Number.isSafeInteger(shifted)) return shifted
  }
  return wrapped(BigInt(left) << BigInt(count), left >= UNSIGNED)
}

/** Arithmetic of an int64_t (-5 >> 1 is -3, as gcc and clang do it), logical of a uint64_t. */
export function shiftRight(left: Integer, right: Integer): Integer {
  const count = shiftCount(right)
  if (typeof left === 'bigint') return canonical(left >> BigInt(count))
  return count < 32 && (left | 0) === left ? left >> count : Math.floor(left / (POWERS[count] as number))
}

function shiftCount(count: Integer): number {
  if (typeof count === 'number' && count >= 0 && count <= 63) return count
  throw new EvaluationError(`a shift by ${count}: it must be 0 to 63`)
}

export function negate(value: Integer): Integer {
  return typeof value === 'number' ? 0 - value : wrapped(-value, value >= UNSIGNED)
}

export function complement(value: Integer): Integer {
  if (typeof value === 'number' && value !== Number.MAX_SAFE_INTEGER) return -1 - value
  return wrapped(~BigInt(value), value >= UNSIGNED)
}

export function equal(left: Integer, right: Integer): boolean {
  if (left === right) return true
  if (typeof left === 'number' && typeof right === 'number') return false
  if (left < UNSIGNED && right < UNSIGNED) return false
  return BigInt.asUintN(64, BigInt(left)) === BigInt.asUintN(64, BigInt(right))
}

export function less(left: Integer, right: Integer): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left < right
  if (left < UNSIGNED && right < UNSIGNED) return left < right
  return BigInt.asUintN(64, BigInt(left)) < BigInt.asUintN(64, BigInt(right))
}

function converted(left: Integer, right: Integer, operate: (l: bigint, r: bigint) => bigint): Integer {
  const [l, r] = [BigInt(left), BigInt(right)]
  if (l < UNSIGNED && r < UNSIGNED) return wrapped(operate(l, r), false)
  return wrapped(operate(BigInt.asUintN(64, l), BigInt.asUintN(64, r)), true)
}

function wrapped(value: bigint, unsigned: boolean): Integer {
  return canonical(unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value))
}
