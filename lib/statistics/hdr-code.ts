/**
 * A histogram as text: HdrHistogram's V2 encoding, deflated, in base64 (Gil Tene; AbstractHistogram.encodeIntoByteBuffer,
 * fillBufferFromCountsArray), as its log has it and its ports for other languages read it:
 *
 *     cookie, length | zlib of: cookie, length, index offset 0, digits 3, lowest 1, highest 2^53-1, ratio 1.0, counts
 *
 * Counts stand in the order of the buckets, each a ZigZag LEB128; a negative one is a run of so many empty buckets. So
 * 3 calls of 5 ns are -5, 3: the bytes 09 06.
 *
 * A text comes from somewhere else: what it inflates to is bounded, and nothing of it is believed unseen.
 */
import { deflateSync, inflateSync } from 'node:zlib'
import { BUCKETS, bucketOf, type Histogram } from './histogram.js'

/** Buckets that have counts, rising. */
export type Counts = readonly (readonly [bucket: number, count: number])[]

const COMPRESSED = 0x1c849314
const COOKIE = 0x1c849313
const DIGITS = 3
/** Before the counts, and before the compressed part. */
const HEAD = 40
const COMPRESSED_HEAD = 8
/** Bytes of the longest count there can be, and one more. */
const LONGEST = 9
/** However low the highest value is, there are the buckets below 2048. */
const LEAST_BITS = 11
const MOST = HEAD + LONGEST * BUCKETS

export function encodeHdr({ buckets }: Pick<Histogram, 'buckets'>): string {
  const bytes: number[] = []
  let next = 0
  for (const [value, count] of buckets()) {
    const bucket = bucketOf(value)
    const empty = bucket - next
    // as the others write it: one empty bucket is a count of 0
    if (empty > 0) put(bytes, empty === 1 ? 0 : 2 * empty - 1)
    put(bytes, 2 * count)
    next = bucket + 1
  }
  const head = Buffer.alloc(HEAD)
  head.writeUInt32BE(COOKIE, 0)
  head.writeUInt32BE(bytes.length, 4)
  head.writeUInt32BE(DIGITS, 12)
  head.writeBigUInt64BE(1n, 16)
  head.writeBigUInt64BE(BigInt(Number.MAX_SAFE_INTEGER), 24)
  head.writeDoubleBE(1, 32)
  const deflated = deflateSync(Buffer.concat([head, Uint8Array.from(bytes)]))
  const before = Buffer.alloc(COMPRESSED_HEAD)
  before.writeUInt32BE(COMPRESSED, 0)
  before.writeUInt32BE(deflated.length, 4)
  return Buffer.concat([before, deflated]).toString('base64')
}

/** LEB128 of a number below 2^53, which ZigZag made. */
function put(bytes: number[], zigzag: number): void {
  let rest = zigzag
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
}

/** Throws an Error that says what is wrong with the text. */
export function decodeHdr(text: string): Counts {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw new Error('is not base64')
  const all = Buffer.from(text, 'base64')
  if (all.length < COMPRESSED_HEAD || all.readUInt32BE(0) !== COMPRESSED)
    throw new Error('is no histogram of HdrHistogram, V2, compressed')
  if (all.readUInt32BE(4) !== all.length - COMPRESSED_HEAD) throw new Error('is cut, or has more than it says')
  const inflated = inflate(all.subarray(COMPRESSED_HEAD))
  checkHead(inflated)
  return countsOf(inflated, reachOf(inflated.readBigUInt64BE(24)))
}

function inflate(deflated: Uint8Array): Buffer {
  try {
    return inflateSync(deflated, { maxOutputLength: MOST })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Error(code === 'ERR_BUFFER_TOO_LARGE' ? `inflates to more than ${MOST} bytes` : 'does not inflate')
  }
}

function checkHead(bytes: Buffer): void {
  if (bytes.length < HEAD || bytes.readUInt32BE(0) !== COOKIE) throw new Error('inflates to no histogram, V2')
  if (bytes.readUInt32BE(4) !== bytes.length - HEAD) throw new Error('inflates to counts that are cut')
  const digits = bytes.readUInt32BE(12)
  if (digits !== DIGITS) throw new Error(`has ${digits} significant digits, not ${DIGITS}`)
  // hdr-histogram-js writes 1 for the offset and the integer 1 for the ratio, and means the same
  const ratio = bytes.readDoubleBE(32) === 1 || bytes.readBigUInt64BE(32) === 1n
  const offset = bytes.readUInt32BE(8) <= 1
  if (!ratio || !offset || bytes.readBigUInt64BE(16) !== 1n) throw new Error('has other buckets than those of 1 and up')
}

/** Buckets of a histogram that says that this is its highest value: those of whole powers of two. */
function reachOf(highest: bigint): number {
  const above = 2 ** Math.max(LEAST_BITS, highest.toString(2).length)
  return above > Number.MAX_SAFE_INTEGER ? BUCKETS : bucketOf(above)
}

function countsOf(bytes: Buffer, reach: number): Counts {
  const counts: [number, number][] = []
  let at = HEAD
  let bucket = 0

  function next(): number {
    let value = 0
    for (let i = 0, scale = 1; i < LONGEST; i++, scale *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) throw new Error('ends within a count')
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    throw new Error('has a count of 2^52 or more')
  }

  while (at < bytes.length) {
    const zigzag = next()
    if (zigzag >= 2 ** 53) throw new Error('has a count of 2^52 or more')
    const run = zigzag % 2 === 1
    if (!run && zigzag > 0 && bucket >= reach) throw new Error('has a value above the highest that it says')
    if (!run && zigzag > 0) counts.push([bucket, zigzag / 2])
    bucket += run ? (zigzag + 1) / 2 : 1
    if (bucket > BUCKETS) throw new Error('has a value above 2^53')
  }
  return counts
}
