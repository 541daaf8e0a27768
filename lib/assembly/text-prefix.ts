/**
 * What stands before a line: in trace-cmd's report of several files or buffers `trace-vm1.dat: `, `instance: `; where
 * the kernel wrote its buffer into its log (ftrace_dump_on_oops) `[   12.345678] `, `[   12.345678][    T1] `; in perf
 * script's with what `perf inject --guest-data` found in a guest's perf.data `VM: 4788 VCPU:001 `.
 *
 * A comm may look like that too (`a: b`, `x.dat: `, `[1] b`). But a comm is right-aligned in 16 columns, 8 in latency
 * format, and none is longer (TASK_COMM_LEN): what stands before these columns is no part of it.
 */
import { intern } from './names'
import { digitsEnd, sameText, skipBlanks } from './text-bytes'
import { internText } from './text-name'

/** The text came over a channel, from a machine that may lie: it has no say in whose its events are. */
export let carried: bool = false

export function setCarried(over: bool): void {
  carried = over
}

/** Whose the last prefix says the line is: a name, 0 where it does not tell, -1 where there is no room for it. */
export let prefixSrc: i32 = 0

/** The vCPU that the last prefix says, or -1. */
export let prefixCpu: i32 = -1

// guest-, and room for a number after it
const machineName: usize = memory.data<u8>([103, 117, 101, 115, 116, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

/**
 * After `VM: 4788 VCPU:001 ` (-F +machine_pid,+vcpu; either may be missing), or `first`. The first is the process of the
 * guest's QEMU: `guest-4788` is whose the line is.
 */
export function afterMachine(first: usize, end: usize): usize {
  if (load<u8>(first) != 86) return first
  prefixSrc = 0
  prefixCpu = -1
  let p = first
  if (load<u16>(p, 1) == 0x3a4d) {
    const d = skipBlanks(p + 3, end)
    p = digitsEnd(d, end)
    if (p == d || p - d > 10 || load<u8>(p) != 32) return first
    memory.copy(machineName + 6, d, p - d)
    if (!carried) prefixSrc = intern(machineName, <u32>(p - d + 6))
    p++
  }
  if (load<u32>(p) == 0x55504356 && load<u8>(p, 4) == 58) {
    const d = p + 5
    p = digitsEnd(d, end)
    if (p == d || p - d > 4 || load<u8>(p) != 32) return first
    prefixCpu = 0
    for (let q = d; q < p; q++) prefixCpu = prefixCpu * 10 + (load<u8>(q) - 48)
    p++
  }
  return p
}

/** Where the comm may begin that ends at `end`, in so many columns: after the prefix, if there is one. */
export function afterPrefix(first: usize, end: usize, columns: usize): usize {
  prefixSrc = 0
  const from = skipBlanks(first, end)
  if (from + columns >= end) return from
  const name = end - columns - 2
  if (name > from && load<u16>(name) == 0x203a) {
    prefixSrc = sourceOf(from, name)
    return skipBlanks(name + 2, end)
  }
  // blanks were lost on the way: a file's name can still be told
  let e = from
  while (load<u8>(e) > 32) e++
  if (load<u8>(e) != 32 || e < from + 6 || load<u8>(e - 1) != 58 || !isFile(from, e - 1)) return from
  prefixSrc = sourceOf(from, e - 1)
  return skipBlanks(e, end)
}

/** Where the comm may begin that ends at `end`, in so many columns, in the kernel's own text. */
export function afterLogTime(first: usize, end: usize, columns: usize): usize {
  if (load<u8>(first) != 91 || end < first + columns + 15 || load<u16>(end - columns - 2) != 0x205d) return skipBlanks(first, end)
  return skipBlanks(end - columns, end)
}

/** The same of a line that has no comm, and begins after its prefix with `text`: there, or 0. */
export function prefixBefore(first: usize, stop: usize, text: usize, length: usize, log: bool): usize {
  prefixSrc = 0
  if (log && (first == stop || load<u8>(first) != 91)) return 0
  const from = skipBlanks(first, stop)
  for (let p = from + 3; p + length <= stop; p++) {
    // "] " or ": "
    if (load<u16>(p - 2) != (log ? 0x205d : 0x203a) || !sameText(p, text, length)) continue
    if (!log) prefixSrc = sourceOf(from, p - 2)
    return p
  }
  return 0
}

/** `….dat` */
function isFile(from: usize, end: usize): bool {
  return end >= from + 5 && load<u32>(end - 4) == 0x7461642e
}

/**
 * trace-cmd calls a guest's file trace-GUEST.dat, so GUEST is the src of its lines; trace.dat is the host's. A buffer
 * is of the machine that the text is of.
 */
function sourceOf(from: usize, end: usize): i32 {
  if (carried || !isFile(from, end)) return 0
  const name = end - 4
  if (name - from >= 5 && load<u32>(from) == 0x63617274 && load<u8>(from, 4) == 101) {
    // trace, and a dash or nothing
    if (from + 5 == name) return 0
    if (load<u8>(from, 5) == 45) from += 6
  }
  return from < name ? internText(from, <u32>(name - from)) : 0
}
