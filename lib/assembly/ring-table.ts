/** What the records of a ring buffer name by number: threads (a pid's comm) and addresses (a kernel symbol). */
import { decimal } from './put'
import { putText } from './text-value'

/** A slot: pid + 1, state, bytes of the comm, interned vm, the comm. */
const SLOT: u32 = 32
const SLOTS: u32 = 1 << 15
const MOST: u32 = SLOTS - (SLOTS >> 2)
const COMM: u32 = 16
/** A comm ends at 15 bytes (TASK_COMM_LEN 16); the kernel's `<idle>` and ours are no longer. */
const COMM_BYTES: u32 = 16

const table: usize = memory.data(32 * 32768)
let used: u32 = 0

/** States of a slot, as bits. */
export const OWN: u8 = 1

/** The slot of a pid; 0 when it is not known. */
export function thread(pid: u32): usize {
  let at = (pid * 0x9e3779b1) >>> 17
  while (true) {
    const slot = table + (at & (SLOTS - 1)) * SLOT
    const there = load<u32>(slot)
    if (there == pid + 1) return slot
    if (there == 0) return 0
    at++
  }
}

/** Sets the comm of a pid (`length` 0: it has none that is known), and the guest it belongs to (0: none). */
export function setThread(pid: u32, comm: usize, length: u32, vm: u32): void {
  const slot = place(pid)
  store<u32>(slot, vm, 8)
  putComm(slot, comm, length)
}

/** A comm that an event told; what else is known of the thread stays. */
export function learnComm(pid: u32, comm: usize, most: u32): void {
  let length: u32 = 0
  while (length < most && load<u8>(comm + length)) length++
  const slot = thread(pid)
  if (slot && length) putComm(slot, comm, length)
}

/** The reader's own thread: its events are left out. */
export function setOwn(pid: u32): void {
  store<u8>(place(pid), OWN, 4)
}

/** Forgets all threads but the reader's own. */
export function forgetThreads(): void {
  for (let at: u32 = 0; at < SLOTS; at++) {
    const slot = table + at * SLOT
    // a slot without a comm is looked up again; it cannot be emptied while others stand behind it
    if (load<u32>(slot) && !load<u8>(slot, 4)) store<u8>(slot, STALE, 5)
  }
}

/** Byte 5: the comm may have changed since. */
export const STALE: u8 = 1

export function isStale(slot: usize): bool {
  return load<u8>(slot, 5) == STALE
}

function putComm(slot: usize, comm: usize, length: u32): void {
  length = min(length, COMM_BYTES)
  store<u8>(slot, 0, 5)
  store<u8>(slot, <u8>length, 6)
  for (let i: u32 = 0; i < length; i++) store<u8>(slot + COMM + i, load<u8>(comm + i))
}

function place(pid: u32): usize {
  const known = thread(pid)
  if (known) return known
  if (used == MOST) clear()
  used++
  let at = (pid * 0x9e3779b1) >>> 17
  while (load<u32>(table + (at & (SLOTS - 1)) * SLOT)) at++
  const slot = table + (at & (SLOTS - 1)) * SLOT
  memory.fill(slot, 0, SLOT)
  store<u32>(slot, pid + 1)
  return slot
}

/** Too many threads: all but the reader's own are looked up anew. */
function clear(): void {
  let kept: u32 = 0
  for (let at: u32 = 0; at < SLOTS; at++) {
    const slot = table + at * SLOT
    if (!load<u32>(slot) || !load<u8>(slot, 4)) continue
    if (kept < 256) store<u32>(own + (kept++ << 2), load<u32>(slot) - 1)
  }
  memory.fill(table, 0, SLOTS * SLOT)
  used = 0
  for (let i: u32 = 0; i < kept; i++) setOwn(load<u32>(own + (i << 2)))
}

const own: usize = memory.data(4 * 256)

/** `"CPU 0/KVM"`: the comm of a slot as a JSON string. */
export function putCommOf(to: usize, slot: usize): usize {
  return putText(to, slot + COMM, slot + COMM + load<u8>(slot, 6))
}

export function hasComm(slot: usize): bool {
  return load<u8>(slot, 6) != 0
}

export function isOwn(slot: usize): bool {
  return load<u8>(slot, 4) == OWN
}

export function vmOf(slot: usize): u32 {
  return load<u32>(slot, 8)
}

/** Texts by address: how many, the addresses (64 bits, ascending), and where each one's text begins, and the last one's ends. */
class Texts {
  count: i32 = 0
  addresses: usize = 0
  texts: usize = 0
}

const symbols = new Texts()
const printks = new Texts()

/** What lies further behind a symbol is code without a name (a trampoline, a module that is gone). */
const LONGEST_FUNCTION: u64 = 1 << 17

/** Kernel symbols: `count` addresses of 64 bits, ascending; behind `names` the address of each one's text, and of its end. */
export function setSymbols(addresses: usize, names: usize, count: i32): void {
  setTexts(symbols, addresses, names, count)
}

/** The same of the kernel's format texts (printk_formats). */
export function setPrintks(addresses: usize, texts: usize, count: i32): void {
  setTexts(printks, addresses, texts, count)
}

function setTexts(table: Texts, addresses: usize, texts: usize, count: i32): void {
  table.count = count
  table.addresses = addresses
  table.texts = texts
}

/** The last text at or before the address; -1: there is none. */
function find(table: Texts, address: u64): i32 {
  let low = 0
  let high = table.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (load<u64>(table.addresses + (<usize>middle << 3)) <= address) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** How far the address lies behind the text's own. */
function beyond(table: Texts, at: i32, address: u64): u64 {
  return address - load<u64>(table.addresses + (<usize>at << 3))
}

function putOf(table: Texts, at: i32, to: usize): usize {
  const text = table.texts + (<usize>at << 2)
  return putText(to, load<u32>(text), load<u32>(text, 4))
}

/** The name of the function that an address lies in, or the address in hexadecimal. */
export function putSymbol(to: usize, address: u64): usize {
  const at = find(symbols, address)
  return at < 0 || beyond(symbols, at, address) > LONGEST_FUNCTION ? putHex(to, address) : putOf(symbols, at, to)
}

/** The format text at an address, or the address in hexadecimal. */
export function putPrintk(to: usize, address: u64): usize {
  const at = find(printks, address)
  return at < 0 || beyond(printks, at, address) ? putHex(to, address) : putOf(printks, at, to)
}

function putHex(to: usize, address: u64): usize {
  store<u32>(to, 0x783022) // "0x
  to += 3
  let shift = 60
  while (shift > 0 && !(address >> shift)) shift -= 4
  for (; shift >= 0; shift -= 4) {
    const digit = <u8>((address >> shift) & 15)
    store<u8>(to++, digit < 10 ? 48 + digit : 87 + digit)
  }
  store<u8>(to++, 34)
  return to
}

/** An integer of a record as the wire format has it: of 8 bytes, a string. */
export function putNumber(to: usize, at: usize, size: u32, signed: bool): usize {
  if (size == 8) {
    store<u8>(to++, 34)
    const n = load<u64>(at)
    if (signed && <i64>n < 0) {
      store<u8>(to++, 45)
      to = decimal(to, 0 - n)
    } else to = decimal(to, n)
    store<u8>(to++, 34)
    return to
  }
  let n: i64
  if (size == 4) n = signed ? <i64>load<i32>(at) : <i64>load<u32>(at)
  else if (size == 2) n = signed ? <i64>load<i16>(at) : <i64>load<u16>(at)
  else n = signed ? <i64>load<i8>(at) : <i64>load<u8>(at)
  if (n < 0) {
    store<u8>(to++, 45)
    n = -n
  }
  return decimal(to, <u64>n)
}
