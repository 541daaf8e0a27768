/** The encoding of histograms, against hdr-histogram-js, which reads and writes the same format; and what is wrong with a text. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deflateSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64 } from 'hdr-histogram-js'
import { decodeHdr, encodeHdr } from '../../lib/statistics/hdr-code.js'
import { hdrOf } from '../../lib/statistics/hgrm.js'
import { BUCKETS, bucketOf, highestOf, histogram, lowestOf } from '../../lib/statistics/histogram.js'

/** Of all sizes: few below 2048, few near 2^53. */
const latency = fc
  .tuple(fc.integer({ min: 0, max: 52 }), fc.double({ min: 1, max: 2, noNaN: true }))
  .map(([power, part]) => Math.min(Number.MAX_SAFE_INTEGER, Math.floor(2 ** power * part)))
const latencies = fc.array(fc.tuple(latency, fc.integer({ min: 1, max: 40 })), { minLength: 1, maxLength: 60 })

function filled(values: readonly (readonly [number, number])[]) {
  const all = histogram()
  for (const [value, times] of values) for (let i = 0; i < times; i++) all.record(value)
  return all
}

describe('the encoding of a histogram', () => {
  test('hdr-histogram-js reads what is written here', () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const all = filled(values)
        const theirs = decodeFromCompressedBase64(encodeHdr(all), 64, false)
        assert.equal(theirs.totalCount, all.calls)
        for (const percent of [0, 25, 50, 90, 99, 99.9, 100])
          assert.equal(
            bucketOf(theirs.getValueAtPercentile(percent)),
            bucketOf(hdrOf(all, { build }).getValueAtPercentile(percent)),
          )
      }),
    )
  })

  test('and its bytes are the same before they are deflated', () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const all = filled(values)
        const theirs = encodeIntoCompressedBase64(hdrOf(all, { build }))
        // theirs has an offset of 1 and an integer for the ratio; Java has what is written here
        assert.deepEqual(inflated(encodeHdr(all)).subarray(40), inflated(theirs).subarray(40))
      }),
    )
  })

  test('what hdr-histogram-js writes is read here', () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const highest = Math.max(2, ...values.map(([value]) => value))
        for (const highestTrackableValue of [highest, Number.MAX_SAFE_INTEGER]) {
          const theirs = build({ bitBucketSize: 64, highestTrackableValue, numberOfSignificantValueDigits: 3 })
          for (const [value, times] of values) theirs.recordValueWithCount(value, times)
          const counts = decodeHdr(encodeIntoCompressedBase64(theirs))
          assert.deepEqual(
            counts.map(([bucket, count]) => [highestOf(bucket), count]),
            [...filled(values).buckets()],
          )
        }
      }),
    )
  })

  test('a bucket is as wide as its lowest and highest value say', () => {
    for (let bucket = 0; bucket < BUCKETS; bucket += 97) {
      assert.equal(bucketOf(lowestOf(bucket)), bucket)
      assert.equal(bucketOf(highestOf(bucket)), bucket)
      if (bucket > 0) assert.equal(lowestOf(bucket), highestOf(bucket - 1) + 1)
    }
    assert.equal(highestOf(BUCKETS - 1), Number.MAX_SAFE_INTEGER)
  })
})

describe('a text that is no histogram', () => {
  const sound = Buffer.from(encodeHdr(filled([[5, 3]])), 'base64')
  const inner = inflateSync(sound.subarray(8))

  function text(inner: Uint8Array, change: (head: Buffer) => void = () => {}): string {
    const deflated = deflateSync(inner)
    const head = Buffer.alloc(8)
    head.writeUInt32BE(0x1c849314, 0)
    head.writeUInt32BE(deflated.length, 4)
    change(head)
    return Buffer.concat([head, deflated]).toString('base64')
  }

  function changed(change: (bytes: Buffer) => void, ...more: number[]): string {
    const bytes = Buffer.concat([inner.subarray(0, 40), Uint8Array.from(more)])
    bytes.writeUInt32BE(more.length, 4)
    change(bytes)
    return text(bytes)
  }

  const kept = () => {}
  const wrong: [string, string, RegExp][] = [
    ['with blanks', 'HIST FAAA', /not base64/],
    ['of nothing', '', /not base64/],
    ['cut in base64', sound.toString('base64').slice(0, -3), /not base64/],
    ['of another format', Buffer.from('nothing at all.').toString('base64'), /no histogram of HdrHistogram/],
    ['cut', sound.subarray(0, 20).toString('base64'), /cut, or has more/],
    ['longer than it says', Buffer.concat([sound, sound]).toString('base64'), /cut, or has more/],
    [
      'that is no zlib',
      Buffer.concat([sound.subarray(0, 8), Buffer.alloc(sound.length - 8, 7)]).toString('base64'),
      /does not inflate/,
    ],
    ['that is a bomb', text(Buffer.alloc(1 << 26)), /inflates to more than 405544 bytes/],
    ['with another cookie inside', changed((bytes) => bytes.writeUInt32BE(1, 0), 6), /no histogram, V2/],
    ['shorter inside than it says', changed((bytes) => bytes.writeUInt32BE(9, 4), 6), /counts that are cut/],
    [
      'of two digits, from the tests of the Java library',
      'HISTFAAAAEV42pNpmSzMwMCgyAABTBDKT4GBgdnNYMcCBvsPEBEJISEuATEZMQ4uASkhIR4nrxg9v2lMaxhvMekILGZkKmcCAEf2CsI=',
      /has 2 significant digits, not 3/,
    ],
    ['of two digits', changed((bytes) => bytes.writeUInt32BE(2, 12), 6), /2 significant digits, not 3/],
    ['of buckets from 1000', changed((bytes) => bytes.writeBigUInt64BE(1000n, 16), 6), /other buckets/],
    ['with a ratio', changed((bytes) => bytes.writeDoubleBE(0.5, 32), 6), /other buckets/],
    ['that ends within a count', changed(kept, 0x80), /ends within a count/],
    ['with a count of ten bytes', changed(kept, ...Array(9).fill(0xff), 1), /a count of 2\^52/],
    ['with a count of 2^52', changed(kept, ...Array(7).fill(0x80), 0x10), /a count of 2\^52/],
    [
      'with a value above the highest that it says',
      changed((bytes) => bytes.writeBigUInt64BE(2047n, 24), 0xff, 0x1f, 6),
      /a value above the highest/,
    ],
    ['with a value above 2^53', changed(kept, 0xff, 0xff, 0xff, 0x7f, 6), /a value above 2\^53/],
  ]
  for (const [what, some, reason] of wrong) test(what, () => assert.throws(() => decodeHdr(some), reason))

  test('one whose highest value is just that of its last bucket is read', () => {
    for (const highest of [1n, 128n, 2047n])
      assert.deepEqual(decodeHdr(changed((bytes) => bytes.writeBigUInt64BE(highest, 24), 0xfd, 0x1f, 6)), [[2047, 3]])
    assert.deepEqual(decodeHdr(changed((bytes) => bytes.writeBigUInt64BE(2048n, 24), 0xff, 0x1f, 6)), [[2048, 3]])
  })

  test('one that is sound is read', () => assert.deepEqual(decodeHdr(changed(kept, 9, 6)), [[5, 3]]))
})

function inflated(text: string): Buffer {
  return inflateSync(Buffer.from(text, 'base64').subarray(8))
}
