/** Names in trace text: as bytes they may be anything, as text of a record they are UTF-8, and longer. */
import { utf8 } from './json'
import { MAX_NAME_LENGTH } from './layout'
import { intern } from './names'

/** U+FFFD, which is written for a byte that is no UTF-8 (putText). */
const REPLACED: u32 = 3

/** The id of the name at `at`; -1 where there is no room for it, or it is too long for a name once it is written. */
export function internText(at: usize, length: u32): i32 {
  const fits = length * REPLACED <= <u32>MAX_NAME_LENGTH || written(at, at + length) <= <u32>MAX_NAME_LENGTH
  return fits ? intern(at, length) : -1
}

function written(p: usize, end: usize): u32 {
  let length: u32 = 0
  while (p < end) {
    const after = load<u8>(p) < 0x80 ? p + 1 : utf8(p)
    const sound = after != 0 && after <= end
    length += sound ? <u32>(after - p) : REPLACED
    p = sound ? after : p + 1
  }
  return length
}
