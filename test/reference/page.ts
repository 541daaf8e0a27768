/**
 * A page of the kernel's ring buffer, walked as include/linux/ring_buffer.h describes it: the reference for the decoder
 * (lib/assembly/ring-page.ts). What does not fit ends the page, as a loss of unknown size.
 */
export type Found = { lost: bigint | null } | { time: bigint; data: Buffer }

const HEAD = 16
const MISSED = 0x80000000
const STORED = 0x40000000
const PADDING = 29
const EXTEND = 30
const STAMP = 31
/** type, flags, preempt count and pid */
const LEAST = 8

export function walkPage(page: Buffer): Found[] {
  const commit = page.readUInt32LE(8)
  const room = page.length - HEAD
  const length = Math.min(commit & 0xfffff, room)
  const end = HEAD + length
  const found: Found[] = []
  if ((commit & MISSED) !== 0) {
    const stored = (commit & STORED) !== 0 && length + 8 <= room
    const count = stored ? page.readBigInt64LE(end) : -1n
    if (count !== 0n) found.push({ lost: count < 0n ? null : count })
  }
  let time = page.readBigUInt64LE(0)
  let at = HEAD
  while (at < end) {
    if (end - at < 4) return [...found, { lost: null }]
    const header = page.readUInt32LE(at)
    const [type, delta] = [header & 31, header >>> 5]
    if (type === PADDING && delta === 0) return found
    if (type < 1 || type > 28) {
      if (end - at < 8) return [...found, { lost: null }]
      const next = page.readUInt32LE(at + 4)
      if (type === EXTEND) time = BigInt.asUintN(64, time + (BigInt(next) << 27n) + BigInt(delta))
      if (type === STAMP) time = absolute((BigInt(next) << 27n) + BigInt(delta), time)
      if (type >= EXTEND) {
        at += 8
        continue
      }
      if (type === PADDING) {
        if (next > end - at - 4) return [...found, { lost: null }]
        time += BigInt(delta)
        at += 4 + next
        continue
      }
    }
    const head = type === 0 ? 8 : 4
    const size = type === 0 ? page.readUInt32LE(at + 4) - 4 : type * 4
    if (size < LEAST || size > end - at - head) return [...found, { lost: null }]
    if (page.readUInt32LE(at + head + 4) >= 0x7fffffff) return [...found, { lost: null }]
    time = BigInt.asUintN(64, time + BigInt(delta))
    found.push({ time, data: page.subarray(at + head, at + head + size) })
    at += head + ((size + 3) & ~3)
  }
  return found
}

/** 59 bits are told; the others are those of the time before (rb_fix_abs_ts). */
function absolute(told: bigint, before: bigint): bigint {
  const high = (before >> 59n) << 59n
  if (high === 0n) return told
  const full = told | high
  return BigInt.asUintN(64, full < before ? full + (1n << 59n) : full)
}
