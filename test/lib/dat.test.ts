/** trace.dat: files that are sound, options that change their times, and files that are not sound. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type DatRecord, datFixture, integers, type Read, readHeld, withOptions, withZlib } from '../support/dat.js'

const v6 = datFixture('v6-two-buffers.dat.gz')
const v7 = datFixture('v7-two-buffers.dat.gz')
const zstd = datFixture('v7-zstd-functions.dat')
const stacks = datFixture('v7-zstd-stacks.dat')

const DATE = 1
const TRACECLOCK = 4
const OFFSET = 7
const TIME_SHIFT = 12
const TSC2NSEC = 14

const eventsOf = ({ records }: Read) => records.filter(({ type }) => type === undefined)
const timesOf = (read: Read) => eventsOf(read).map(({ tsc, ts }) => BigInt((tsc ?? ts) as string))

describe('a trace.dat', () => {
  test('the buffers of a file are merged by time', async () => {
    for (const [file, count] of [
      [v6, 54],
      [v7, 274],
      [zstd, 2704],
    ] as const) {
      const read = await readHeld(file)
      const times = timesOf(read)
      assert.equal(times.length, count)
      assert.deepEqual(
        times,
        times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
      )
      assert.deepEqual(read.said, [])
    }
  })

  test('files read one after another have each their own formats, comms and symbols', async () => {
    const alone = (await readHeld(v6)).lines
    await readHeld(zstd)
    assert.deepEqual((await readHeld(v6)).lines, alone)
    const functions = eventsOf(await readHeld(zstd)).filter(({ event }) => event === 'ftrace:function')
    assert.equal(functions.length, 20)
    for (const { args } of functions) assert.deepEqual(args, { ip: 'irqfd_inject', parent_ip: 'process_one_work' })
  })

  test('a function of a file without symbols is its address', async () => {
    const file = withOptions(zstd, [[19, integers(1n << 40n)]])
    const read = await readHeld(file)
    assert.deepEqual(read.said, ['it ends too early'])
    const found = eventsOf(read).find(({ event }) => event === 'ftrace:function')
    assert.match(String(found?.args?.ip), /^0xffffffff[0-9a-f]{8}$/)
  })

  test('a format of stacks that cannot be read is no matter where there is no stack', async () => {
    const broken = Buffer.from(v6.toString('latin1').replace(/(name: kernel_stack\nID: )\d/, '$1?'), 'latin1')
    assert.notDeepEqual(broken, v6)
    assert.deepEqual(await readHeld(broken), await readHeld(v6))
  })

  test('a stack belongs to the event before it', async () => {
    const events = eventsOf(await readHeld(stacks))
    assert.deepEqual(
      events.map(({ event, stack }) => [event, stack?.[0], stack?.at(-1), stack?.length]),
      [
        ['sched:sched_process_exec', 'trace_event_raw_event_sched_process_exec', 'entry_SYSCALL_64_after_hwframe', 7],
        ['sched:sched_process_fork', 'trace_event_raw_event_sched_process_fork', 'entry_SYSCALL_64_after_hwframe', 6],
        ['sched:sched_process_exec', 'trace_event_raw_event_sched_process_exec', 'entry_SYSCALL_64_after_hwframe', 7],
      ],
    )
  })
})

describe('options that change times', () => {
  test('DATE in microseconds and OFFSET in nanoseconds are added to nanoseconds', async () => {
    const plain = timesOf(await readHeld(v7))
    const file = withOptions(v7, [
      [DATE, Buffer.from('0x660e0d22e5451\0')],
      [OFFSET, Buffer.from('-1500\0')],
    ])
    const sum = 0x660e0d22e5451n * 1000n - 1500n
    assert.deepEqual(
      timesOf(await readHeld(file)),
      plain.map((time) => time + sum),
    )
  })

  test('they are not added to cycles', async () => {
    const file = withOptions(zstd, [[OFFSET, Buffer.from('1000000\0')]])
    assert.deepEqual(timesOf(await readHeld(file)), timesOf(await readHeld(zstd)))
  })

  for (const clock of ['counter', 'uptime'])
    test(`the clock ${clock} is no nanoseconds`, async () => {
      const file = withOptions(v7, [
        [TRACECLOCK, Buffer.from(`local global [${clock}] perf\0`)],
        [DATE, Buffer.from('0x660e0d22e5451\0')],
        [TSC2NSEC, integers(858_993_459, 31, 0n)],
      ])
      const read = await readHeld(file)
      const [head] = read.records
      assert.deepEqual([head?.clock, head?.unit, head?.tsc_khz], [clock, 'tsc', undefined])
      assert.ok(eventsOf(read).every(({ tsc, ts }) => tsc !== undefined && ts === undefined))
      assert.deepEqual(timesOf(read), timesOf(await readHeld(v7)))
    })

  test('TSC2NSEC tells tsc_khz', async () => {
    const [head] = (await readHeld(withOptions(zstd, [[TSC2NSEC, integers(858_993_459, 31, 0n)]]))).records
    assert.equal(head?.unit, 'tsc')
    assert.equal(head?.tsc_khz, Math.round((1e6 * 2 ** 31) / 858_993_459))
  })

  /** What trace-cmd report does with samples (time, offset, ratio, fraction), without its overflow. */
  function shifted(time: bigint, samples: readonly (readonly bigint[])[], interpolate: boolean): bigint {
    const at = (i: number, column: number) => samples[i]?.[column] as bigint
    if (samples.length === 1) return BigInt.asUintN(64, time + at(0, 1))
    let i = 0
    while (i < samples.length - 2 && at(i + 1, 0) <= time) i++
    const scaled = (time * at(i, 2)) >> at(i, 3)
    const span = at(i + 1, 0) - at(i, 0)
    const change = (time - at(i, 0)) * (at(i + 1, 1) - at(i, 1))
    return BigInt.asUintN(64, scaled + at(i, 1) + (interpolate ? (change + span / 2n) / span : 0n))
  }

  for (const [name, interpolate, samples] of [
    ['one sample', false, [[5n, -1_000_000n, 1n, 0n]]],
    [
      'two samples',
      false,
      [
        [270_000_000_000n, 77n, 1n, 0n],
        [280_000_000_000n, 99n, 1n, 0n],
      ],
    ],
    [
      'a ratio of 3/2 in 48 bits',
      false,
      [
        [0n, 7n, 3n << 47n, 48n],
        [1n << 60n, 8n, 3n << 47n, 48n],
      ],
    ],
    [
      'interpolated, of which some are before and behind',
      true,
      [
        [270_000_000_000n, 0n, 1n, 0n],
        [272_000_000_000n, 9_000n, 1n, 0n],
        [274_000_000_000n, -5_001n, 1n, 0n],
      ],
    ],
    [
      'steps',
      false,
      [
        [270_000_000_000n, 10n, 1n, 0n],
        [271_000_000_000n, 20n, 1n, 0n],
        [272_000_000_000n, 30n, 1n, 0n],
        [273_000_000_000n, 40n, 1n, 0n],
      ],
    ],
  ] as const)
    test(`TIME_SHIFT, ${name}`, async () => {
      const columns = [0, 1, 2].flatMap((column) => samples.map((sample) => sample[column] as bigint))
      const fractions = samples.map((sample) => sample[3])
      const data = integers(1n, interpolate ? 1 : 0, 1, samples.length, ...columns, ...fractions)
      const found = timesOf(await readHeld(withOptions(zstd, [[TIME_SHIFT, data]])))
      const plain = timesOf(await readHeld(zstd))
      assert.deepEqual(
        found,
        plain.map((time) => shifted(time, samples, interpolate)),
      )
      assert.notDeepEqual(found, plain)
    })
})

describe('a file that is not sound', () => {
  /** Without the comm, which events that are missing may have told. */
  const eventLines = ({ lines }: Read) =>
    lines.filter((line) => !line.startsWith('{"type"')).map((line) => line.replace(/,"comm":"[^"]*"(?=,"flags")/, ''))

  /** Whatever is in the file, all that is written is JSON, and where it differs from the whole it was said. */
  async function check(file: Buffer, whole: ReadonlySet<string>): Promise<Read> {
    const read = await readHeld(file)
    const events = eventLines(read)
    if (events.length < whole.size) assert.ok(read.said.length > 0, `${events.length} events of ${whole.size}`)
    return read
  }

  for (const [name, file] of [
    ['version 6', v6],
    ['version 7', v7],
    ['version 7, compressed', zstd],
  ] as const)
    test(`cut anywhere: ${name}`, async () => {
      const whole = new Set(eventLines(await readHeld(file)))
      for (let length = 0; length < file.length; length += length < 200 ? 7 : Math.ceil(file.length / 80)) {
        const read = await check(file.subarray(0, length), whole)
        for (const line of eventLines(read)) assert.ok(whole.has(line), line)
      }
    })

  test('a CPU whose pages end too early is lost from there on, the other is read', async () => {
    const read = await readHeld(v6.subarray(0, v6.length - 4096))
    assert.equal(read.said.length, 1)
    assert.match(read.said[0] as string, /^CPU \d: it ends too early$/)
    const lost = read.records.filter(({ type }) => type === 'lost') as DatRecord[]
    assert.equal(lost.length, 1)
    assert.ok(eventsOf(read).length > 20)
    assert.ok(eventsOf(read).length < 54)
  })

  for (const [name, file] of [
    ['version 6', v6],
    ['version 7', v7],
    ['version 7, compressed', zstd],
  ] as const)
    test(`bytes changed at random: ${name}`, async () => {
      let seed = 7
      const random = () => {
        seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
        return seed >> 8
      }
      for (let run = 0; run < 150; run++) {
        const changed = Buffer.from(file)
        const most = run % 3 === 0 ? 600 : changed.length
        for (let i = 0; i < 1 + (run % 12); i++) changed[random() % most] = random()
        for (const record of (await readHeld(changed)).records) assert.equal(typeof record, 'object')
      }
    })

  test('every word of the places and sizes in it, made huge', async () => {
    for (const file of [v6, v7, zstd]) {
      const begin = Math.max(0, file.indexOf('Linux') - 200)
      for (let at = 10; at < file.length - 8; at += at < 64 || (at > begin && at < begin + 900) ? 3 : 4099) {
        const changed = Buffer.from(file)
        changed.writeUInt32LE(0x7fffff00, at)
        const read = await readHeld(changed)
        assert.ok(read.records.length > 0 || read.said.length > 0)
      }
    }
  })

  test('packed with zlib it says the same', async () => {
    for (const file of [zstd, stacks]) {
      const packed = withZlib(file)
      assert.ok(packed.length > file.length)
      const { lines, said } = await readHeld(packed)
      assert.deepEqual(said, [])
      assert.deepEqual(lines, (await readHeld(file)).lines)
    }
    const broken = withZlib(zstd)
    broken[broken.length - 5] = (broken.at(-5) as number) ^ 0xff
    assert.match((await readHeld(broken)).said.join(), /its compressed data cannot be read/)
  })

  test('what is not read is said in a line', async () => {
    const changed = (at: number, value: number) => {
      const file = Buffer.from(v6)
      file[at] = value
      return file
    }
    const said = async (file: Buffer) => (await readHeld(file)).said
    assert.deepEqual(await said(changed(10, 0x38)), ['of version "8"; 6 and 7 are read'])
    assert.deepEqual(await said(changed(12, 1)), ['recorded by a big-endian machine; only little-endian ones are read'])
    assert.deepEqual(await said(changed(13, 4)), ['recorded by a 32-bit machine; only 64-bit ones are read'])
    assert.deepEqual(await said(Buffer.from('\x17\x08Dtracing7\0')), ['it ends too early'])
    const lzma = Buffer.from(zstd)
    lzma.write('lzma', 18)
    assert.deepEqual(await said(lzma), ['compressed with "lzma", which is not known here'])
  })
})
