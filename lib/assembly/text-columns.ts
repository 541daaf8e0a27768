/**
 * What perf script prints behind an event's own text, where it is asked for (`-F +ip,+sym,+dso`, `+addr`, `+weight`):
 * numbers in 16 columns, behind that of the ip a symbol and a file in parentheses. They stay in `text`.
 *
 *     … target_cpu=000 ffffffff8139ba69 __traceiter_sched_waking+0x29 ([kernel.kallsyms])
 *     … target_cpu=000               0
 */
import { backBlanks, backWord, isHexDigit } from './text-bytes'

/** Words that a symbol of C++ may have. */
const SYMBOL_WORDS = 8

/** Where the event's own text from `p` to `end` ends. */
export function ownEnd(p: usize, end: usize): usize {
  let e = columnBefore(p, end)
  let w = end
  for (let words = load<u8>(end - 1) == 41 ? SYMBOL_WORDS : 1; e == 0 && words > 0; words--) {
    w = backWord(p, w)
    if (w <= p) return end
    e = columnBefore(p, --w)
  }
  if (!e) return end
  for (let before = e; before; before = columnBefore(p, e)) e = before
  return backBlanks(p, e)
}

/** The column that ends at `e`: where it begins, or 0. A number with 16 digits is a kernel's address, behind a blank. */
// @ts-ignore: decorator
@inline
function columnBefore(p: usize, e: usize): usize {
  let d = e
  while (d > p && isHexDigit(load<u8>(d - 1))) d--
  if (d == e || d < p + 2 || load<u8>(d - 1) != 32) return 0
  if (e - d >= 16) return e - d == 16 && load<u32>(d) == 0x66666666 ? d - 1 : 0
  if (e < p + 16 || load<u8>(d - 2) != 32) return 0
  return backBlanks(e - 16, d) == e - 16 ? e - 16 : 0
}
