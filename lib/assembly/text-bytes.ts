/** Small steps over a line of text, forwards and backwards, and into a row. */
import { isDigit } from './json'

// @ts-ignore: decorator
@inline
export function put(row: usize, word: i32, value: usize): void {
  store<u32>(row + <usize>(word << 2), <u32>value)
}

// @ts-ignore: decorator
@inline
export function skipBlanks(p: usize, end: usize): usize {
  while (p < end && load<u8>(p) == 32) p++
  return p
}

// @ts-ignore: decorator
@inline
export function backBlanks(first: usize, p: usize): usize {
  while (p > first && load<u8>(p - 1) == 32) p--
  return p
}

// @ts-ignore: decorator
@inline
export function backWord(first: usize, p: usize): usize {
  while (p > first && load<u8>(p - 1) > 32) p--
  return p
}

// @ts-ignore: decorator
@inline
export function backDigits(first: usize, p: usize): usize {
  while (p > first && isDigit(load<u8>(p - 1))) p--
  return p
}

// @ts-ignore: decorator
@inline
export function digitsEnd(p: usize, end: usize): usize {
  while (p < end && isDigit(load<u8>(p))) p++
  return p
}

export function isDigits(p: usize, e: usize): bool {
  return p < e && backDigits(p, e) == p
}

// @ts-ignore: decorator
@inline
export function isHexDigit(c: u8): bool {
  return isDigit(c) || <u8>(c - 97) < 6
}

// @ts-ignore: decorator
@inline
export function span(row: usize, word: i32, from: usize, end: usize): void {
  put(row, word, from)
  put(row, word + 1, end)
}

// @ts-ignore: decorator
@inline
export function sameText(p: usize, text: usize, length: usize): bool {
  for (let i: usize = 0; i < length; i++) if (load<u8>(p + i) != load<u8>(text + i)) return false
  return true
}

/** Eight bytes at a time: both sides have room for it. */
// @ts-ignore: decorator
@inline
export function copyText(to: usize, text: usize, length: usize): usize {
  for (let i: usize = 0; i < length; i += 8) store<u64>(to + i, load<u64>(text + i))
  return to + length
}
