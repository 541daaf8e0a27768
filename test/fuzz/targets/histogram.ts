/** Histograms that other workers sent: counts as hdr-histogram-js reads them, or one line that says what is wrong. */
import assert from 'node:assert/strict'
import { deflateSync, inflateSync } from 'node:zlib'
import hdr from 'hdr-histogram-js'
import { decodeHdr } from '../../../lib/statistics/hdr-code.js'
import type { Target } from '../target.js'

const COMPRESSED = 0x1c849314
const HEAD = 40

/** What is in the envelope, whose lengths are put right: chance would never find a sound one. */
export const histogram: Target = {
  seeds: () => [sound([5, 1000, 1 << 20]), sound([1]), sound(Array.from({ length: 60 }, (_, i) => 2 ** (i % 40)))],
  words: [
    '\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f',
    '\u0080\u0080\u0080\u0080\u0080\u0080\u0080\u0080\u0001',
    '\u0000\u0000',
    '\u0001',
    '\u0009\u0006',
  ],
  longest: 1024,
  run(input) {
    const text = envelope(input)
    const counts = decoded(text)
    if (counts === undefined) return
    const total = counts.reduce((sum, [, count]) => sum + count, 0)
    for (const [bucket, count] of counts)
      assert.ok(bucket >= 0 && count > 0 && Number.isSafeInteger(count), String(count))
    const others = theirs(text)
    // theirs has counts of 32 bits
    if (others !== undefined && counts.every(([, count]) => count < 2 ** 31)) assert.equal(total, others)
  },
}

function sound(values: readonly number[]): Buffer {
  const made = hdr.build({
    bitBucketSize: 64,
    numberOfSignificantValueDigits: 3,
    highestTrackableValue: Number.MAX_SAFE_INTEGER,
  })
  for (const value of values) made.recordValue(value)
  const all = Buffer.from(hdr.encodeIntoCompressedBase64(made), 'base64')
  return inflateSync(all.subarray(8))
}

function envelope(input: Buffer): string {
  const made = Buffer.from(input)
  // one in four keeps the length that it says
  if (made.length >= HEAD && (made.at(-1) as number) % 4 !== 3) made.writeUInt32BE(made.length - HEAD, 4)
  const deflated = deflateSync(made)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(COMPRESSED, 0)
  head.writeUInt32BE(deflated.length, 4)
  return Buffer.concat([head, deflated]).toString('base64')
}

function decoded(text: string) {
  try {
    return decodeHdr(text)
  } catch (error) {
    assert.ok(
      error instanceof Error && /^(?:is|has|inflates|does|ends) /.test(error.message),
      String((error as Error).stack),
    )
    return undefined
  }
}

/** The total; undefined where they refuse it, or cannot hold it. */
function theirs(text: string): number | undefined {
  try {
    return hdr.decodeFromCompressedBase64(text).totalCount
  } catch {
    return undefined
  }
}
