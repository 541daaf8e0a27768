/**
 * Writing a line anew with the receiver's word for who saw it.
 *
 * A guest is not believed: `src`, and `vm`, `start_src`, `end_src` where a line has them, get the name that the
 * receiver gave. In the canonical order (`{"ts":"1","src":"guest",…`) the place of src is known from the row, and
 * nothing is read again. Where a line says it twice, or elsewhere, its members are gone through, and each of the
 * four is written once: the line grows by no more than four names.
 */
import { blank, escaped, string, unescape, value } from './json'
import {
  CLOSE,
  HAS,
  HAS_SRC,
  HAS_SRC_MORE,
  LINE_END,
  TIME_AFTER,
  TIME_AT,
  TYPE,
} from './layout'
import { copy } from './put'
import { find } from './scan'

// @ts-ignore: decorator
@inline
function get(row: usize, word: i32): usize {
  return load<u32>(row + <usize>(word << 2))
}

const typeName: usize = memory.data<u8>([116, 121, 112, 101, 0, 0, 0, 0])
const names: usize = memory.data<u8>([
  115, 114, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // src
  118, 109, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // vm
  115, 116, 97, 114, 116, 95, 115, 114, 99, 0, 0, 0, 0, 0, 0, 0, // start_src
  101, 110, 100, 95, 115, 114, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0, // end_src
])
const lengths: usize = memory.data<u8>([3, 2, 9, 7])
const scratch: usize = memory.data((1 << 20) + 64)

/** The name is the beginning of what the line says. */
let prefixed: bool = false

/**
 * The row's line, from `line` on, with `name` (the `length` bytes of a JSON string, quotes included) as its src.
 * `wanted`: where it says none, it gets one. `prefix`: the string goes on with what the line itself says; the
 * closing quote is not given, and a slash is its last byte.
 */
export function putWithSource(
  to: usize,
  line: usize,
  row: usize,
  name: usize,
  length: usize,
  wanted: bool,
  prefix: bool,
): usize {
  prefixed = prefix
  const has = <u32>get(row, HAS)
  const end = get(row, LINE_END)
  if (get(row, TYPE) != 0 || (has & HAS_SRC_MORE) != 0) return putMembers(to, line, row, name, length, wanted)
  const after = get(row, TIME_AFTER)
  if (get(row, TIME_AT) == 0) return putMembers(to, line, row, name, length, wanted)
  if (!(has & HAS_SRC)) {
    if (!wanted) return copy(to, line, end)
    to = putSource(copy(to, line, after), name, length)
    return copy(to, after, end)
  }
  // ,"src":"
  if (load<u64>(after) != 0x223a22637273222c) return putMembers(to, line, row, name, length, wanted)
  const from = after + 7
  const rest = string(from + 1)
  to = putName(copy(to, line, from), name, length, from)
  return copy(to, rest, end)
}

// @ts-ignore: decorator
@inline
function putSource(to: usize, name: usize, length: usize): usize {
  // ,"src":
  store<u64>(to, 0x3a22637273222c)
  return putName(to + 7, name, length, 0)
}

/** The name; as a prefix, with the rest of the JSON value at `said` (0: none) where that is a string that says something. */
function putName(to: usize, name: usize, length: usize, said: usize): usize {
  to = copy(to, name, name + length)
  if (!prefixed) return to
  if (said != 0 && load<u8>(said) == 34 && load<u8>(said + 1) != 34) return copy(to, said + 1, string(said + 1))
  // without its slash
  store<u8>(to - 1, 34)
  return to
}

/** Which of the four the member's name is: 0 to 3, or -1. */
function which(name: usize, length: usize): i32 {
  for (let i = 0; i < 4; i++) {
    if (length == load<u8>(lengths + i) && memory.compare(name, names + (i << 4), length) == 0) return i
  }
  return -1
}

/** Where the last value of a name's member begins, once it was asked for. */
const lasts: usize = memory.data(16)

/** Of a member that comes twice the last counts, and says its own name; the others would each make the line grow. */
function isLast(object: usize, index: i32, said: usize): bool {
  const at = lasts + (index << 2)
  if (!load<u32>(at)) store<u32>(at, <u32>find(object, names + (index << 4), load<u8>(lengths + index)))
  return load<u32>(at) == said
}

/** Member by member. A src that is missing comes after the time, after the type, or first. */
function putMembers(to: usize, line: usize, row: usize, name: usize, length: usize, wanted: bool): usize {
  let brace = line
  while (load<u8>(brace) != 123) brace++
  let behind: usize = 0
  if (wanted && !(<u32>get(row, HAS) & HAS_SRC)) {
    behind = brace
    if (get(row, TYPE) != 0) {
      const type = find(brace, typeName, 4)
      if (type) behind = string(type + 1)
    } else if (get(row, TIME_AT) != 0) behind = get(row, TIME_AFTER)
  }
  to = copy(to, line, brace + 1)
  const first = to
  if (behind == brace) {
    // "src": without a comma before it
    store<u64>(to, 0x3a2263727322)
    to = putName(to + 6, name, length, 0)
  }
  let done: u32 = 0
  memory.fill(lasts, 0, 16)
  let p = blank(brace + 1)
  while (load<u8>(p) == 34) {
    const member = p
    let candidate = p + 1
    p = string(candidate)
    let size = p - 1 - candidate
    if (escaped) {
      size = unescape(candidate, p - 1, scratch) - scratch
      candidate = scratch
    }
    const index = which(candidate, size)
    p = blank(blank(p) + 1)
    const said = p
    p = value(p, 1)
    if (index < 0) {
      if (to > first) store<u8>(to++, 44)
      to = copy(to, member, p)
      if (p == behind) to = putSource(to, name, length)
    } else if (prefixed ? isLast(brace, index, said) : !(done & (1 << index))) {
      done |= 1 << index
      if (to > first) store<u8>(to++, 44)
      store<u8>(to++, 34)
      to = copy(to, names + (index << 4), names + (index << 4) + load<u8>(lengths + index))
      store<u16>(to, 0x3a22)
      to = putName(to + 2, name, length, said)
    }
    p = blank(p)
    if (load<u8>(p) == 44) p = blank(p + 1)
  }
  return copy(to, get(row, CLOSE), get(row, LINE_END))
}
