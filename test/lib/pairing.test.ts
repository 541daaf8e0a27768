/** Pairing against ten lines of brute force, and the account, which closes on every input. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import pair from '../../tools/pair.js'
import { accountCloses, bruteForce, policies } from '../reference/pairs.js'
import { runFilter } from '../support/filter.js'

interface Event {
  at: number
  what: 'A' | 'B'
  key: number
  vm: string | undefined
  src?: string
}

const base = 2n ** 60n
const event = fc.record({
  at: fc.nat(40),
  what: fc.constantFrom('A' as const, 'B' as const),
  key: fc.nat(2),
  vm: fc.constantFrom(undefined, undefined, 'vm1', 'vm2'),
})
/** Of a host, or of a guest, which may have guests itself. */
const ordered = fc
  .tuple(fc.array(event, { maxLength: 40 }), fc.constantFrom('host', 'vm1'))
  .map(([events, src]) => events.toSorted((a, b) => a.at - b.at).map((one) => ({ ...one, src })))

/** All of one machine: of two, random times may look like clocks that disagree, and then there are no pairs (skew.ts). */
function line({ at, what, key, vm, src = 'host' }: Event): string {
  return JSON.stringify({
    ts: String(base + BigInt(at)),
    src,
    event: `x:${what}`,
    cpu: 0,
    key,
    vm,
  })
}

/** The latencies that brute force finds. */
function expectedDeltas(events: readonly Event[], policy: (typeof policies)[number]): number[] {
  const meant = events.map(({ at, key, ...rest }) => ({ ...rest, time: BigInt(at), key: String(key) }))
  return bruteForce(meant, policy).map(([start, end]) => Number(end.time - start.time))
}

describe('pairing', () => {
  for (const policy of policies)
    test(`${policy}: the pairs that brute force finds`, async () => {
      await fc.assert(
        fc.asyncProperty(ordered, async (events) => {
          const { lines } = await runFilter(pair, ['A', 'B', '--policy', policy], events.map(line))
          const deltas = lines
            .map((text) => JSON.parse(text))
            .filter((r) => r.type === 'pair')
            .map((r) => r.delta_ns)
          assert.deepEqual(deltas, expectedDeltas(events, policy))
        }),
        { numRuns: 400 },
      )
    })

  test('of starts at the same time, with and without vm, the one that came last is the newest', async () => {
    const start = (at: number, vm?: string): Event => ({ at, what: 'A', key: 1, vm })
    const end = (at: number, vm?: string): Event => ({ at, what: 'B', key: 1, vm })
    const events = [start(0), start(7, 'vm1'), start(7), end(7), end(8, 'vm2')]
    // the start without vm that replaced the one at 0 came after that of vm1
    const expected: Record<string, number[]> = { last: [0], first: [7], fifo: [7, 1], lifo: [0, 8] }
    for (const policy of policies) {
      const { lines } = await runFilter(pair, ['A', 'B', '--policy', policy], events.map(line))
      const pairs = lines.map((text) => JSON.parse(text)).filter((r) => r.type === 'pair')
      const deltas = pairs.map((r) => r.delta_ns)
      assert.deepEqual(deltas, expected[policy], policy)
      assert.deepEqual(deltas, expectedDeltas(events, policy), policy)
    }
  })

  test('text keys: the pairs that brute force finds, however JSON spells a key', async () => {
    // a spelling and the key it means
    const spellings = [
      ['1', 1],
      ['"1"', 1],
      ['"aA"', 2],
      ['"a\\u0041"', 2],
      ['"\\u0061A"', 2],
      ['"é"', 3],
      ['"\\u00e9"', 3],
      ['"\\""', 4],
      ['"\\u0022"', 4],
      ['"\\\\"', 5],
      ['"9007199254740993"', 6],
      ['9007199254740993', 6],
      ['"9007199254740993 "', 7],
      ['""', 8],
    ] as const
    const spelt = fc.tuple(ordered, fc.array(fc.constantFrom(...spellings), { minLength: 40, maxLength: 40 }))
    await fc.assert(
      fc.asyncProperty(spelt, fc.constantFrom(...policies), async ([events, texts], policy) => {
        const spelling = (i: number) => texts[i] as (typeof spellings)[number]
        const input = events.map((e, i) => line(e).replace(/"key":\d/, () => `"key":${spelling(i)[0]}`))
        const { lines } = await runFilter(pair, ['A', 'B', '--policy', policy], input)
        const deltas = lines
          .map((text) => JSON.parse(text))
          .filter((r) => r.type === 'pair')
          .map((r) => r.delta_ns)
        const meant = events.map((e, i) => ({ ...e, key: spelling(i)[1] }))
        assert.deepEqual(deltas, expectedDeltas(meant, policy))
      }),
      { numRuns: 1000 },
    )
  })

  test('more keys than are kept without an open start: each end meets its own', async () => {
    // i starts, then i - 3000 ends; every third key comes again
    const input: string[] = []
    const keys = Array.from({ length: 9000 }, (_, i) => `k${i % 3 === 0 ? i % 300 : i}`)
    const expected: number[] = []
    const open = new Map<string, number>()
    keys.forEach((key, i) => {
      input.push(`{"ts":"${i}","event":"A","key":"${key}"}`)
      open.set(key, i)
      const ended = keys[i - 3000]
      if (ended === undefined) return
      input.push(`{"ts":"${i}","event":"B","key":"${ended}"}`)
      const start = open.get(ended)
      if (start !== undefined) expected.push(i - start)
      open.delete(ended)
    })
    const { lines } = await runFilter(pair, ['A', 'B'], input)
    const deltas = lines
      .map((text) => JSON.parse(text))
      .filter((r) => r.type === 'pair')
      .map((r) => r.delta_ns)
    assert.deepEqual(deltas, expected)
    assert.ok(deltas.length > 4000)
  })

  test('times above 2^53 are exact', async () => {
    const { lines } = await runFilter(
      pair,
      ['A', 'B'],
      [
        '{"ts":"9007199254740993","event":"A","key":"18446744073709551615"}',
        '{"ts":"9007199254740996","event":"B","key":"18446744073709551615"}',
      ],
    )
    assert.equal(
      lines[0],
      '{"type":"pair","start":"A","end":"B","key":"18446744073709551615","start_ts":"9007199254740993","end_ts":"9007199254740996","delta_ns":3}',
    )
  })

  test('the account closes on every input, in any order, with losses and limits', async () => {
    const anything = fc.oneof(
      { weight: 12, arbitrary: event.map(line) },
      fc
        .record({
          from: fc.nat(40),
          length: fc.nat(10),
          src: fc.constantFrom('host', 'guest', undefined),
          cpu: fc.constantFrom(undefined, 0),
        })
        .map(({ from, length, src, cpu }) =>
          JSON.stringify({
            type: 'lost',
            src,
            cpu,
            count: 1,
            from: String(base + BigInt(from)),
            to: String(base + BigInt(from + length)),
          }),
        ),
      fc.constantFrom(
        '{"type":"clock","src":"guest","ts":"5"}',
        '{"event":"A"}',
        '{"event":"B","ts":"7"}',
        '{"event":"A","tsc":"5","key":1,"src":"g"}',
        '{"event":"B","tsc":"9","key":1,"src":"h"}',
        'broken',
      ),
    )
    const options = fc.tuple(
      fc.constantFrom(...policies),
      fc.constantFrom([], ['--timeout', '5ns']),
      fc.constantFrom([], ['--max-open', '2']),
      fc.constantFrom([], ['--cycle']),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(anything, { maxLength: 60 }), options, async (lines, [policy, ...more]) => {
        const { counts: c } = await runFilter(pair, ['A', 'B', '--policy', policy, ...more.flat()], lines)
        accountCloses(c)
      }),
      { numRuns: 2000 },
    )
  })

  test('no pair spans a loss', async () => {
    await fc.assert(
      fc.asyncProperty(ordered, fc.nat(40), fc.nat(10), async (events, from, length) => {
        const to = from + length
        // what was lost: every event strictly between, of both sides
        const kept = events.filter((e) => e.at <= from || e.at >= to)
        const at = kept.findLastIndex((e) => e.at <= from) + 1
        const lost = ['host', 'vm1'].map((src) =>
          JSON.stringify({
            type: 'lost',
            src,
            count: 1,
            from: String(base + BigInt(from)),
            to: String(base + BigInt(to)),
          }),
        )
        const input = kept.map(line)
        input.splice(at, 0, ...lost)
        const { lines } = await runFilter(pair, ['A', 'B', '--policy', 'fifo'], input)
        for (const r of lines.map((text) => JSON.parse(text)).filter((r) => r.type === 'pair')) {
          const start = Number(BigInt(r.start_ts) - base)
          const end = Number(BigInt(r.end_ts) - base)
          assert.ok(end <= from || start >= to, `${start} to ${end} spans ${from} to ${to}`)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('what a guest lost makes no wrong pair, and costs the others none', async () => {
    const call = fc.record({
      guest: fc.nat(2),
      key: fc.nat(1),
      took: fc.integer({ min: 1, max: 99 }),
      says: fc.boolean(),
    })
    const stream = fc.array(call, { minLength: 30, maxLength: 60 })
    // who has not been called a guest may be any
    const first = [0, 1, 2].map((guest) => ({ guest, key: 0, took: 9, says: false }))
    await fc.assert(
      fc.asyncProperty(stream, fc.nat(2), fc.nat(4000), fc.nat(400), async (some, deaf, later, length) => {
        const calls = [...first, ...some]
        const from = 100 * (first.length + 1) + later
        const to = from + length
        const events = calls
          .flatMap(({ guest, key, took, says }, i): Event[] => {
            const [at, vm] = [100 * (i + 1), `vm${guest}`]
            const end = { at: at + took, what: 'B', key, src: vm, vm: says ? vm : undefined } as const
            return [{ at, what: 'A', key, src: 'host', vm }, end]
          })
          .toSorted((a, b) => a.at - b.at)
        const kept = events.filter(({ src, at }) => src !== `vm${deaf}` || at <= from || at >= to)
        const input = kept.map(line)
        const times = { from: String(base + BigInt(from)), to: String(base + BigInt(to)) }
        const lost = JSON.stringify({ type: 'lost', src: `vm${deaf}`, count: events.length - kept.length, ...times })
        input.splice(kept.findLastIndex(({ at }) => at <= to) + 1, 0, lost)
        const { lines } = await runFilter(pair, ['A', 'B'], input)
        const found = lines.map((text) => JSON.parse(text)).filter(({ type }) => type === 'pair')
        const text = (start: bigint, end: bigint, vm: unknown) => `${start - base} ${end - base} ${vm}`
        const meant = events.map(({ at, key, ...rest }) => ({ ...rest, time: base + BigInt(at), key: String(key) }))
        const all = bruteForce(meant, 'last').map(([start, end]) => text(start.time, end.time, start.vm))
        const made = found.map(({ start_ts, end_ts, vm }) => text(BigInt(start_ts), BigInt(end_ts), vm))
        const wrong = made.filter((one) => !all.includes(one))
        const missing = all.filter((one) => !one.endsWith(`vm${deaf}`) && !made.includes(one))
        assert.deepEqual({ wrong, missing }, { wrong: [], missing: [] })
      }),
      { numRuns: 300 },
    )
  })
})
