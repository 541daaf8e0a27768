/**
 * What pull says of a channel that is cut at any byte and swallows any stretch of bytes: received + lost + before is
 * what was sent, no two events stand side by side that were not sent side by side, unless a loss is told between
 * them, and no loss is told where nothing is missing.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { pullParts } from '../support/channel.js'

interface Sent {
  bytes: Buffer
  events: string[]
  /** Where the `end` line begins: that much always comes. */
  endAt: number
}

/** A session of `n` events, with a clock after each `every`. */
function records(n: number, every: number): Sent {
  return session(n, every, {
    stream: `{"type":"stream","version":1,"session":"5d8f","sent":0}`,
    event: (i) => JSON.stringify({ ts: String(2n ** 60n + BigInt(i)), event: `e${'x'.repeat(i % 7)}`, args: { i } }),
    clock: (sent) => `{"type":"clock","wall":"1700000000000000000","session":"5d8f","sent":${sent}}`,
    end: (sent) => `{"type":"end","session":"5d8f","sent":${sent}}`,
  })
}

function text(n: number, every: number): Sent {
  return session(n, every, {
    stream: '# vmpipe stream version=1 session=5d8f clock=x86-tsc hostname=g kernel=6.1',
    event: (i) =>
      `${`comm${'y'.repeat(i % 9)}`.padStart(16)}-${(i % 40) + 1}      [00${i % 2}] d..1. ${5000 + i}: e: i=${i}`,
    clock: (sent) => `# vmpipe clock session=5d8f sent=${sent}`,
    end: (sent) => `# vmpipe end session=5d8f sent=${sent}`,
  })
}

interface Words {
  stream: string
  event(i: number): string
  clock(sent: number): string
  end(sent: number): string
}

function session(n: number, every: number, words: Words): Sent {
  const events = Array.from({ length: n }, (_, i) => words.event(i))
  const lines = events.flatMap((event, i) => ((i + 1) % every === 0 ? [event, words.clock(i + 1)] : [event]))
  const before = [words.stream, ...lines].map((line) => `${line}\n`).join('')
  return { events, endAt: Buffer.byteLength(before), bytes: Buffer.from(`${before}${words.end(n)}\n`) }
}

interface Cut {
  /** Where, of 1000. */
  at: number
  /** Bytes that are swallowed. */
  skip: number
}

function partsOf({ bytes, endAt }: Sent, cuts: readonly Cut[]): Buffer[] {
  const parts: Buffer[] = []
  let from = 0
  for (const { at, skip } of [...cuts].sort((a, b) => a.at - b.at)) {
    const to = Math.max(from, Math.floor((endAt * at) / 1000))
    parts.push(bytes.subarray(from, to))
    from = Math.min(endAt, to + skip)
  }
  return [...parts, bytes.subarray(from)]
}

/** Output lines as the indices of events, and `lost` with its count (null: unknown). */
function told(lines: string[], sent: Sent): (number | { lost: number | null })[] {
  const index = new Map(sent.events.map((event, i) => [event, i]))
  return lines.flatMap((line): (number | { lost: number | null })[] => {
    const plain = line.replace(',"src":"guest"', '')
    const known = index.get(plain)
    if (known !== undefined) return [known]
    const loss =
      /^# vmpipe lost(?: count=(\d+))?$/.exec(line) ?? /^\{"type":"lost","src":"guest"(?:,"count":(\d+))?/.exec(line)
    if (loss) return [{ lost: loss[1] === undefined ? null : Number(loss[1]) }]
    assert.match(line, /^# vmpipe (?:stream|clock|end)|^\{"type":"(?:stream|clock|end)"/)
    return []
  })
}

async function check(sent: Sent, cuts: readonly Cut[], pieces: number[]): Promise<void> {
  await checkParts(sent, partsOf(sent, cuts), pieces)
}

async function checkParts(sent: Sent, parts: Buffer[], pieces: number[]): Promise<void> {
  const { lines, said, pulled } = await pullParts(parts, pieces)
  const n = sent.events.length
  assert.deepEqual(said, [])
  assert.equal(pulled.records + pulled.lost + pulled.before, n)
  const out = told(lines, sent)
  const events = out.filter((item) => typeof item === 'number')
  assert.equal(events.length, pulled.records)
  const losses = out.filter((item) => typeof item === 'object')
  assert.equal(
    losses.reduce((sum, { lost }) => sum + (lost ?? 0), 0),
    pulled.lost,
  )
  assert.equal(losses.filter(({ lost }) => lost === null).length, pulled.unknown)
  let last: number | null = null
  let lossBetween = false
  for (const item of out) {
    if (typeof item === 'object') lossBetween = true
    else {
      if (last !== null && item !== last + 1) assert.ok(item > last && lossBetween, `${last}, ${item}: no loss between`)
      last = item
      lossBetween = false
    }
  }
  if (events.length === n) assert.deepEqual(losses, [])
}

const cuts = fc.array(fc.record({ at: fc.nat(1000), skip: fc.oneof(fc.constant(0), fc.nat(40), fc.nat(3000)) }), {
  maxLength: 5,
})
const pieces = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 4 })

for (const [name, make] of [
  ['records', records],
  ['text', text],
] as const)
  describe(`${name} cut at any byte`, () => {
    test('everything is accounted for', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 60 }),
          fc.integer({ min: 1, max: 9 }),
          cuts,
          pieces,
          (n, every, at, size) => check(make(n, every), at, size),
        ),
        { numRuns: 600 },
      )
    })

    test('no clock at all between the cuts', async () => {
      await fc.assert(
        fc.asyncProperty(cuts, pieces, (at, size) => check(make(40, 100), at, size)),
        { numRuns: 200 },
      )
    })

    test('at each byte, with nothing lost or half a line; and once more behind it', async () => {
      const sent = make(4, 2)
      for (let at = 0; at <= sent.endAt; at++) {
        const [before, behind] = [sent.bytes.subarray(0, at), Math.min(sent.endAt, at + 30)]
        const again = at + Math.floor((sent.endAt - at) / 2)
        await checkParts(sent, [before, sent.bytes.subarray(behind)], [1 << 16])
        await checkParts(sent, [before, sent.bytes.subarray(at, again), sent.bytes.subarray(again)], [1 << 16])
      }
    })
  })
