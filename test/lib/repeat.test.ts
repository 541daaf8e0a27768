/**
 * Lines that come again with another time are not read in full (lib/assembly/repeat.ts). Here every line is one of a
 * few with its time or any byte of it changed, and what is read must be what reading it alone gives.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CLOSE, HAS, HAS_BROKEN, LINE, LINE_END, REASON, TIME_AFTER, TIME_AT } from '../../lib/assembly/layout.js'
import { allocate, bytes, scanner, words } from '../../lib/wire/memory.js'
import { memberName, RecordView } from '../../lib/wire/record.js'
import { ROW_WORDS } from '../support/row.js'
import { parseText } from '../support/text.js'

const ROWS = 64
const rows = allocate(ROWS * ROW_WORDS * 4)

/** Times as text: of every length, with zeros before, signed, no number at all. */
const time = fc.oneof(
  fc.stringMatching(/^[0-9]{2,3}$/),
  fc.bigInt({ min: 0n, max: 999_999_999_999n }).map(String),
  fc.bigInt({ min: 0n, max: 2n ** 64n + 9n }).map(String),
  fc.constantFrom('0', '00', '007', '-5', '12x4', '', '9999999999999999', '999999999999999999', '1000000000000000000'),
)

/** Which of the lines, and what is done to it now and then: a byte changed, one less, one more. */
const step = <T>(of: fc.Arbitrary<T>) =>
  fc.record({ line: of, time, at: fc.nat(400), byte: fc.integer({ min: 0, max: 255 }), spoil: fc.nat(9) })

function spoilt(text: string, { at, byte, spoil }: { at: number; byte: number; spoil: number }): Buffer {
  const line = Buffer.from(text)
  if (spoil === 1) return line.subarray(0, -1)
  if (spoil === 2) return Buffer.concat([line, Buffer.from('x')])
  if (spoil === 0 && byte !== 10) line[at % line.length] = byte
  return line
}

const events: ((time: string) => string)[] = [
  (t) =>
    `{"ts":"${t}","src":"host","event":"sys:poll","cpu":1,"pid":181,"comm":"pmd-c01/id:8","args":{"ip":"94"},"text":"(5)"}`,
  (t) =>
    `{"ts":"${t}","src":"host","event":"sys:poll","cpu":1,"pid":181,"comm":"pmd-c01/id:8","args":{"ip":"95"},"key":"a b"}`,
  (t) => ` {"tsc":"${t}","event":"x","src":"vm1","key":7,"flags":"d..1."} `,
  (t) => `{"event":"x","ts":${t},"args":{}}`,
  (t) => `{"event":"x","ts":"5","ts":"${t}","args":{"ts":"${t}"}}`,
  (t) => `{"event":"x","args":{"long":"${'é'.repeat(300)}"},"ts":"${t}"}`,
  (t) => `{"type":"pair","start":"a","end":"b","end_ts":"${t}","delta_ns":5}`,
]

test('lines of the wire format', () => {
  const room = allocate(1 << 20)
  const args = memberName('args')
  const view = new RecordView()

  /** All that a view tells of a row, and where its parts are in the line. */
  function told(row: number): unknown {
    view.row = row
    const from = words[row + LINE] as number
    const within = (word: number) => (words[row + word] as number) && (words[row + word] as number) - from
    if ((words[row + HAS] as number) & HAS_BROKEN) return 'broken'
    const { time, event, src, cpu, pid, key, comm, flags, text, type } = view
    const places = [LINE_END, TIME_AT, TIME_AFTER, CLOSE].map(within)
    return [time, event, src, cpu, pid, key, comm, flags, text, type, view.json(args), words[row + REASON], places]
  }

  /** The lines scanned as one block, or each alone, behind as many others as make the cache forget it. */
  function scan(lines: Buffer[]): unknown[] {
    const block = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
    block.copy(bytes, room)
    const count = scanner.scan(room, room + block.length, rows, ROWS)
    return Array.from({ length: count }, (_, i) => told((rows >> 2) + i * ROW_WORDS))
  }
  const others = Array.from({ length: 4 }, (_, i) => Buffer.from(`{"event":"other","ts":"1","args":{"n":${i}}}`))

  fc.assert(
    fc.property(fc.array(step(fc.constantFrom(...events)), { minLength: 1, maxLength: 50 }), (steps) => {
      const lines = steps
        .map((each) => spoilt(each.line(each.time), each))
        .filter((line) => !/^\s*$/.test(line.toString('latin1')))
      const together = scan(lines)
      const alone = lines.map((line) => scan([...others, line]).at(-1))
      assert.deepEqual(together, alone)
    }),
    { numRuns: 400 },
  )
})

const printed: ((time: string) => string)[] = [
  (t) => `    pmd-c01/id:8   181 [001] ${t}:         probe_ovs:netdev_rxq_recv: (56077d037760)`,
  (t) => `    pmd-c01/id:8   181 [001] ${t}: probe_ovs:netdev_rxq_recv__return: (56077d037760 <- 56077d0071e9) ret=11`,
  (t) => `    pmd-c01/id:8   181 [000] ${t}:         probe_ovs:netdev_rxq_recv: (56077d037760)`,
  (t) => `CPU 0/KVM ${t}: 210 [001] ${t}: kvm:kvm_entry: vcpu 0, rip 0x10`,
  (t) => `pmd é 181 [001] ${t}: e: text`,
  (t) => `pmd 181 [001] ${t}: e: text\r`,
  (t) => `pmd 181 [001] ${t}: e: ${'x'.repeat(520)}`,
]
const seconds = fc.oneof(
  fc.tuple(fc.nat(9_999_999), fc.nat(999_999_999)).map(([s, n]) => `${s}.${String(n).padStart(9, '0')}`),
  fc.tuple(fc.nat(999), fc.nat(999_999)).map(([s, n]) => `${s}.${String(n).padStart(6, '0')}`),
  fc.constantFrom(
    '0.5',
    '007.000001',
    '999999999.999999999',
    '1000000000.0',
    '18446744073.709551615',
    '18446744074.0',
    '1.',
    '.5',
    '5',
  ),
)

test('lines of text, and the JSON that is made of them', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step(fc.constantFrom(...printed)), seconds), { minLength: 1, maxLength: 40 }),
      async (steps) => {
        // what has become a frame of a stack is part of the line above
        const lines = steps
          .map(([each, at]) => spoilt(each.line(at), each))
          .filter((line) => !/^\s+[\da-f]+\s/i.test(line.toString('latin1')))
        const text = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
        const together = await parseText(text, 'perf-script')
        const alone: string[] = []
        for (const line of lines)
          alone.push(...(await parseText(Buffer.concat([line, Buffer.from('\n')]), 'perf-script')).lines)
        assert.deepEqual(together.lines, alone)
      },
    ),
    { numRuns: 300 },
  )
})

test('a line that comes again is the same, with its own time', async () => {
  const times = Array.from({ length: 5000 }, (_, i) => 270_000_000_000n + BigInt(i) * 8_765n)
  const at = (ns: bigint) => `${ns / 1_000_000_000n}.${String(ns % 1_000_000_000n).padStart(9, '0')}`
  const lines = times.map((ns, i) => (printed[i % 3] as (time: string) => string)(at(ns)))
  const { records, bad } = await parseText(`${lines.join('\n')}\n`, 'perf-script', { pieces: [4096, 77, 13] })
  assert.deepEqual(bad, [])
  assert.deepEqual(
    records.map(({ ts, cpu, event, args }) => [ts, cpu, event.length, args.__probe_ip ?? args.__probe_func]),
    times.map((ns, i) => [String(ns), i % 3 === 2 ? 0 : 1, i % 3 === 1 ? 33 : 25, '94590162138976']),
  )
})

test('a stack is of its own line only', async () => {
  const poll = (i: number) => `    pmd-c01/id:8   181 [001] 270.00000${i}: probe_ovs:netdev_send: (56077d037c70)`
  const lines = [0, 1, 2, 3, 4, 5].flatMap((i) => (i % 3 === 1 ? [poll(i), `\t  ffff${i} send (ovs)`] : [poll(i)]))
  const { records, bad } = await parseText(`${lines.join('\n')}\n`, 'perf-script')
  assert.deepEqual(bad, [])
  assert.deepEqual(
    records.map(({ ts, stack }) => [ts, stack]),
    [0, 1, 2, 3, 4, 5].map((i) => [`27000000${i}000`, i % 3 === 1 ? [`ffff${i} send (ovs)`] : undefined]),
  )
})
