/** The arguments of a system call (kernel/trace/trace_syscalls.c). */
import { copy } from './put'
import { isNameByte, putAddress } from './text-pairs'
import { setExact } from './text-value'

/** `fd: 3, buf: 7ffe493de170, count: 310`: every argument is a long, printed in hexadecimal. */
export function putCallArguments(to: usize, p: usize, end: usize): usize {
  setExact(p == end)
  const start = to
  while (p < end) {
    let colon = p
    while (colon < end && isNameByte(load<u8>(colon))) colon++
    if (colon == p || colon + 1 >= end || load<u16>(colon) != 0x203a) return 0
    const value = colon + 2
    let e = value
    while (e < end && !isNextArgument(e, end)) e++
    if (to > start) store<u8>(to++, 44)
    store<u8>(to++, 34)
    to = copy(to, p, colon)
    store<u16>(to, 0x3a22)
    to = putAddress(to + 2, value, e)
    p = e + 2
  }
  return to
}

/** `, name: ` */
function isNextArgument(p: usize, end: usize): bool {
  if (load<u16>(p) != 0x202c) return false
  const from = p + 2
  p = from
  while (p < end && isNameByte(load<u8>(p))) p++
  return p > from && p < end && load<u8>(p) == 58
}
