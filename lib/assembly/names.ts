/**
 * Interned names: every `event`, `src`, `vm`, `type` seen gets a small integer, the same for the whole
 * process. 0 is "none". A bounded open-addressing table: when it is full, `intern` answers -1.
 */
import { MAX_NAME_LENGTH, MAX_NAMES } from './layout'

const SLOTS: u32 = <u32>MAX_NAMES * 2
const TEXT_BYTES: u32 = 1 << 20
const table: usize = memory.data(4 * 16384)
/** Per name: address, length. */
const entries: usize = memory.data(8 * 8193)
const text: usize = memory.data(1 << 20)
let used: u32 = 0
let count: u32 = 0
let most: u32 = <u32>MAX_NAMES

/** No more than so many further ones. */
export function limitNames(further: u32): void {
  most = min(<u32>MAX_NAMES, count + 1 + further)
}

export function nameAddress(id: u32): usize {
  return load<u32>(entries + (id << 3))
}

export function nameLength(id: u32): u32 {
  return load<u32>(entries + (id << 3), 4)
}

// @ts-ignore: decorator
@inline
function same(a: usize, b: usize, length: u32): bool {
  let i: u32 = 0
  while (i + 8 <= length) {
    if (load<u64>(a + i) != load<u64>(b + i)) return false
    i += 8
  }
  while (i < length) {
    if (load<u8>(a + i) != load<u8>(b + i)) return false
    i++
  }
  return true
}

function hash(at: usize, length: u32): u32 {
  let h: u32 = 0x811c9dc5 ^ length
  let i: u32 = 0
  while (i + 4 <= length) {
    h = (h ^ load<u32>(at + i)) * 0x01000193
    h ^= h >>> 15
    i += 4
  }
  while (i < length) {
    h = (h ^ load<u8>(at + i)) * 0x01000193
    i++
  }
  return h ^ (h >>> 13)
}

/** The id of the name at `at`; 0 when it has none. */
export function known(at: usize, length: u32): u32 {
  let slot = hash(at, length) & (SLOTS - 1)
  while (true) {
    const id = load<u32>(table + (slot << 2))
    if (id == 0 || (nameLength(id) == length && same(nameAddress(id), at, length))) return id
    slot = (slot + 1) & (SLOTS - 1)
  }
}

/** The id of the name at `at`; a new one when not seen before; -1 when there is no room for it. */
export function intern(at: usize, length: u32): i32 {
  if (length == 0) return 0
  let slot = hash(at, length) & (SLOTS - 1)
  while (true) {
    const id = load<u32>(table + (slot << 2))
    if (id == 0) break
    if (nameLength(id) == length && same(nameAddress(id), at, length)) return <i32>id
    slot = (slot + 1) & (SLOTS - 1)
  }
  if (length > <u32>MAX_NAME_LENGTH || count + 1 >= most || used + length > TEXT_BYTES) return -1
  count++
  memory.copy(text + used, at, length)
  store<u32>(entries + (count << 3), <u32>(text + used))
  store<u32>(entries + (count << 3), length, 4)
  store<u32>(table + (slot << 2), count)
  used += length
  return <i32>count
}
