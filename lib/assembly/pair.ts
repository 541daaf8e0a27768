/** The line of a pair, from the row that `pair` filled. Words of the row that a pair uses in its own way: */
import {
  CPU,
  DELTA,
  HAS,
  HAS_CPU,
  HAS_DELTA_TSC,
  HAS_KEY_INTEGER,
  HAS_KEY_TEXT,
  HAS_KEY_UNSIGNED,
  HAS_PID,
  KEY,
  PAIR_HEAD,
  PAIR_START_CPU,
  PAIR_START_HAS,
  PAIR_START_PID,
  PAIR_START_TIME,
  PAIR_TAIL,
  PID,
  TIME,
} from './layout'
import { copy, decimal, signedDecimal } from './put'

// @ts-ignore: decorator
@inline
function word(row: usize, at: i32): u32 {
  return load<u32>(row + <usize>(at << 2))
}

function literal(to: usize, text: usize, length: usize): usize {
  v128.store(to, v128.load(text))
  return to + length
}

const text: usize = memory.data<u8>([
  // ,"key":
  44, 34, 107, 101, 121, 34, 58,
  // ,"start_ts":"
  44, 34, 115, 116, 97, 114, 116, 95, 116, 115, 34, 58, 34,
  // ","end_ts":"
  34, 44, 34, 101, 110, 100, 95, 116, 115, 34, 58, 34,
  // ","delta_ns":
  34, 44, 34, 100, 101, 108, 116, 97, 95, 110, 115, 34, 58,
  // ,"start_tsc":"
  44, 34, 115, 116, 97, 114, 116, 95, 116, 115, 99, 34, 58, 34,
  // ","end_tsc":"
  34, 44, 34, 101, 110, 100, 95, 116, 115, 99, 34, 58, 34,
  // ","delta_tsc":
  34, 44, 34, 100, 101, 108, 116, 97, 95, 116, 115, 99, 34, 58,
  // ,"start_cpu":
  44, 34, 115, 116, 97, 114, 116, 95, 99, 112, 117, 34, 58,
  // ,"start_pid":
  44, 34, 115, 116, 97, 114, 116, 95, 112, 105, 100, 34, 58,
  // ,"end_cpu":
  44, 34, 101, 110, 100, 95, 99, 112, 117, 34, 58,
  // ,"end_pid":
  44, 34, 101, 110, 100, 95, 112, 105, 100, 34, 58,
])

/**
 * `head` is `{"type":"pair","start":"…","end":"…"`, `tail` what follows the numbers, with the closing brace;
 * both stand in the memory, and the row has their address and end.
 */
export function putPair(to: usize, row: usize): usize {
  const has = word(row, HAS)
  const start = word(row, PAIR_START_HAS)
  const cycles = (has & HAS_DELTA_TSC) != 0
  to = copy(to, word(row, PAIR_HEAD), word(row, PAIR_HEAD + 1))
  if (has & HAS_KEY_INTEGER) {
    to = literal(to, text, 7)
    const key = load<i64>(row + KEY * 4)
    // above 2^53 a number is not safe with those who read doubles
    const wide = (has & HAS_KEY_UNSIGNED) != 0 || key > 9007199254740991 || key < -9007199254740991
    if (wide) store<u8>(to++, 34)
    to = has & HAS_KEY_UNSIGNED ? decimal(to, <u64>key) : signedDecimal(to, key)
    if (wide) store<u8>(to++, 34)
  } else if (has & HAS_KEY_TEXT) {
    to = literal(to, text, 7)
    to = copy(to, word(row, KEY), word(row, KEY + 1))
  }
  to = cycles ? literal(to, text + 45, 14) : literal(to, text + 7, 13)
  to = time(to, load<i64>(row + PAIR_START_TIME * 4), cycles)
  to = cycles ? literal(to, text + 59, 13) : literal(to, text + 20, 12)
  to = time(to, load<i64>(row + TIME * 4), cycles)
  to = cycles ? literal(to, text + 72, 14) : literal(to, text + 32, 13)
  to = decimal(to, load<u64>(row + DELTA * 4))
  if (start & HAS_CPU) to = decimal(literal(to, text + 86, 13), word(row, PAIR_START_CPU))
  if (start & HAS_PID) to = decimal(literal(to, text + 99, 13), word(row, PAIR_START_PID))
  if (has & HAS_CPU) to = decimal(literal(to, text + 112, 11), word(row, CPU))
  if (has & HAS_PID) to = decimal(literal(to, text + 123, 11), word(row, PID))
  return copy(to, word(row, PAIR_TAIL), word(row, PAIR_TAIL + 1))
}

// @ts-ignore: decorator
@inline
function time(to: usize, n: i64, cycles: bool): usize {
  return cycles ? decimal(to, <u64>n) : signedDecimal(to, n)
}
