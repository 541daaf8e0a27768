/**
 * trace-cmd's files, recorded here, against what trace-cmd itself prints of them (`report -R -t`): every event, its
 * time to the last digit, its CPU, thread and all its fields. In an instance of its own, with a load of its own.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { datFixture, integers, withOptions } from '../support/dat.js'
import type { Event } from '../support/pages.js'
import { cannotTrace, records, shell, testInstance } from '../support/tracing.js'

const why = cannotTrace() || noTraceCmd()

function noTraceCmd(): string | false {
  const missing = spawnSync('trace-cmd', ['--version']).error !== undefined
  if (missing && process.env.CI) throw new Error('trace-cmd is missing')
  return missing && 'no trace-cmd here'
}

/** `	zstd, 1.5.4` a line. */
function algorithms(): string[] {
  const list = spawnSync('trace-cmd', ['list', '-c'], { encoding: 'utf8' }).stdout
  return [...list.matchAll(/^\s+(\w+), \S+$/gm)].map(([, name]) => name as string)
}

interface Printed {
  pid: number
  cpu: number
  time: string
  name: string
  text: string
}

/** `name: comm-pid [cpu] time: event: field=value …`, behind `buffer: `. */
function report(file: string): Printed[] {
  const text = execFileSync('trace-cmd', ['report', '-R', '-t', '-i', file], { maxBuffer: 1 << 28, stdio: 'pipe' })
  return text
    .toString()
    .split('\n')
    .map((line) => /^.*?-(\d+)\s+\[(\d+)\]\s*(\d+(?:\.\d{9})?): (\w+): +(.*)$/.exec(line))
    .filter((parts) => parts !== null)
    .map(([, pid, cpu, time = '', name = '', text = '']) => ({
      pid: Number(pid),
      cpu: Number(cpu),
      time: BigInt(time.replace('.', '')).toString(),
      name,
      text,
    }))
}

type Timed = Event & { ts?: string }

/** Those of one time in the order of their CPUs: which of them is first is nobody's business. */
function inOrder<T extends { cpu: number }>(all: T[], time: (of: T) => string): T[] {
  return all
    .map((of) => ({ of, at: BigInt(time(of)) }))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.of.cpu - b.of.cpu))
    .map(({ of }) => of)
}

/** Everything that the report says. A difference is told by itself: a list of all there is would take minutes. */
function compare(file: string): { events: Timed[]; fields: number } {
  const printed = inOrder(report(file), ({ time }) => time)
  const { status, stdout, stderr } = shell(`parse ${file}`)
  assert.equal(status, 0, stderr)
  const timeOf = ({ tsc, ts }: Timed) => tsc ?? (ts as string)
  const written = records(stdout).filter(({ type }: { type?: string }) => type === undefined) as Timed[]
  const events = inOrder(written, timeOf)
  assert.equal(events.length, printed.length)
  let fields = 0
  for (const [i, event] of events.entries()) {
    const { text, ...head } = printed[i] as Printed
    const { pid, cpu, event: name } = event
    assert.deepEqual({ pid, cpu, time: timeOf(event), name: name.split(':')[1] }, head)
    fields += compareFields(event, text)
  }
  return { events, fields }
}

function compareFields({ event, args }: Timed, text: string): number {
  let fields = 0
  for (const [name, value] of Object.entries(args)) {
    // of an address the report prints the function
    if (event === 'ftrace:print' && name === 'ip') continue
    const said = new RegExp(`(?:^| )${name}=(ARRAY\\[.*?\\]|.*?)(?= \\w+=|$)`).exec(text)?.[1]
    assert.ok(said !== undefined && same(said, value), `${event} ${name}: ${text}, and ${JSON.stringify(value)}`)
    fields++
  }
  return fields
}

/** `26`, `0x1a`, `bash`, `ARRAY[1a, 00, …]` (bytes), and what is in the record. */
function same(said: string, value: unknown): boolean {
  if (Array.isArray(value)) {
    const data = Buffer.from(value.flatMap((n) => [...integers(BigInt(n))]))
    return said === `ARRAY[${[...data].map((n) => n.toString(16).padStart(2, '0')).join(', ')}]`
  }
  if (said === String(value)) return true
  if (!/^(-?\d+|0x[0-9a-f]+)$/.test(said)) return false
  return BigInt.asUintN(64, BigInt(said)) === BigInt.asUintN(64, BigInt(value as string))
}

describe('a file that trace-cmd has written', { skip: why }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-dat-'))
  after(() => rmSync(folder, { recursive: true }))

  // what others do here meanwhile is left out: the load runs under names of its own
  const links = { load: 'bash', list: 'ls', head: 'head', copy: 'dd', wait: 'sleep' }
  before(() => {
    for (const [name, of] of Object.entries(links)) symlinkSync(join('/bin', of), join(folder, `vmpipe-${name}`))
  })
  const filter = ['-f', 'COMM ~ "vmpipe-*"']
  const own = (name: keyof typeof links) => join(folder, `vmpipe-${name}`)

  const load = (marker: string) =>
    `echo 'said "so"' > ${marker}; for i in 1 2 3; do ${own('list')} / > /dev/null; done; ${own('head')} -c 100000 /dev/zero > /dev/null; ${own('wait')} 0.02`

  const wanted = [
    'sched:sched_switch',
    'sched:sched_waking',
    'sched:sched_process_exec',
    'irq:softirq_entry',
    'raw_syscalls:sys_enter',
    'kmem:mm_page_alloc',
  ]

  function record(name: string, args: string[], script?: string): string {
    const file = join(folder, `${name}.dat`)
    const instance = testInstance(name)
    const group = instance.path.replace(/^.*\//, '')
    const events = wanted.flatMap((event) => ['-e', event, ...filter])
    const command = [own('load'), '-c', script ?? load(join(instance.path, 'trace_marker'))]
    try {
      // -k: nothing is reset, what is not this instance's above all; -d: no functions
      execFileSync('trace-cmd', ['record', '-k', '-d', '-q', '-o', file, '-B', group, ...args, ...events, ...command], {
        stdio: 'pipe',
        timeout: 60_000,
      })
    } finally {
      instance.set('tracing_on', '0')
      instance.set('events/enable', '0')
      instance.remove()
    }
    return file
  }

  /** A ring that ran over before anybody read it. */
  function extracted(): string {
    const file = join(folder, 'extracted.dat')
    const instance = testInstance('extract')
    try {
      instance.set('buffer_size_kb', '16')
      instance.set('events/raw_syscalls/sys_enter/filter', 'COMM ~ "vmpipe-*"')
      instance.set('events/raw_syscalls/sys_enter/enable', '1')
      execFileSync(own('copy'), ['if=/dev/zero', 'of=/dev/null', 'bs=1', 'count=20000'], { stdio: 'pipe' })
      instance.set('tracing_on', '0')
      const group = instance.path.replace(/^.*\//, '')
      execFileSync('trace-cmd', ['extract', '-k', '-B', group, '-o', file], { stdio: 'pipe', timeout: 60_000 })
    } finally {
      instance.set('events/enable', '0')
      instance.remove()
    }
    return file
  }

  const kinds: [string, string[], string][] = [
    ['6', [], 'x86-tsc'],
    ['6', [], 'local'],
    ['7', ['--compression', 'none'], 'x86-tsc'],
    ['7', ['--compression', 'none'], 'mono'],
    ...algorithms().flatMap((name): [string, string[], string][] => [
      ['7', ['--compression', name], 'x86-tsc'],
      ['7', ['--compression', name], 'local'],
    ]),
  ]
  for (const [version, options, clock] of kinds)
    test(`version ${version}, ${options[1] ?? 'plain'}, clock ${clock}`, () => {
      const file = record('dat', ['--file-version', version, ...options, '-b', '4096', '-C', clock])
      const { events, fields } = compare(file)
      assert.ok(fields > events.length)
      const seen = new Set(events.map(({ event }) => event))
      for (const event of ['sched:sched_process_exec', 'raw_syscalls:sys_enter', 'sched:sched_switch', 'ftrace:print'])
        assert.ok(seen.has(event), `${event} occurred`)
      const [head] = records(shell(`parse -q ${file} | head -1`).stdout)
      assert.equal(head.clock, clock)
      assert.equal(head.unit, clock === 'x86-tsc' ? 'tsc' : 'ns')
      assert.equal(head.kernel, readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim())
      assert.equal(head.hostname, readFileSync('/proc/sys/kernel/hostname', 'utf8').trim())
    })

  test('several buffers, and the time of day', () => {
    const second = testInstance('dat2')
    // the first buffer is the top one, which somebody's trace-cmd may have left switched off
    const switchFile = second.path.replace(/instances\/.*$/, 'tracing_on')
    const before = readFileSync(switchFile, 'utf8')
    try {
      writeFileSync(switchFile, '1')
      const group = second.path.replace(/^.*\//, '')
      const file = record('dat1', [
        '-C',
        'mono',
        '--date',
        '-e',
        'sched:sched_wakeup',
        ...filter,
        '-B',
        group,
        '-C',
        'mono',
      ])
      const { events } = compare(file)
      assert.ok(events.some(({ event }) => event === 'sched:sched_wakeup'))
      assert.ok(events.some(({ event }) => event === 'sched:sched_switch'))
      const first = Number(BigInt(events[0]?.ts as string) / 1_000_000n)
      assert.ok(Math.abs(first - Date.now()) < 60_000, `${first}`)
    } finally {
      writeFileSync(switchFile, before)
      second.set('events/enable', '0')
      second.remove()
    }
  })

  test('what was lost is as much as trace-cmd says, and pages of gzip and of a pipe are the same', () => {
    const file = extracted()
    compare(file)
    const text = execFileSync('trace-cmd', ['report', '-i', file], { maxBuffer: 1 << 30, stdio: 'pipe' }).toString()
    const dropped = [...text.matchAll(/CPU:(\d+) \[(?:(\d+) )?EVENTS DROPPED\]/g)].map(([, cpu, n]) => [
      Number(cpu),
      n === undefined ? undefined : Number(n),
    ])
    assert.ok(dropped.length > 0, 'something was lost')
    const all = shell(`parse ${file}`).stdout
    const lost = records(all).filter(({ type }) => type === 'lost')
    assert.deepEqual(lost.map(({ cpu, count }) => [cpu, count]).sort(), dropped.sort())
    shell(`gzip -k ${file}`)
    for (const way of [`parse ${file}.gz`, `cat ${file} | parse`, `parse < ${file}`, `cat ${file}.gz | parse`])
      assert.equal(shell(way).stdout, all, way)
  })

  test('a long recording is read in bounded memory', () => {
    const script = `${own('copy')} if=/dev/zero of=/dev/null bs=1 count=1500000 2> /dev/null`
    const file = record('long', ['--file-version', '6', '-b', '65536', '-C', 'x86-tsc'], script)
    const peak = join(folder, 'peak.cjs')
    writeFileSync(
      peak,
      `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(join(folder, 'peak'))}, String(process.resourceUsage().maxRSS)))`,
    )
    assert.ok(statSync(file).size > 100 << 20, `${statSync(file).size} bytes`)
    // a process's own peak, read when it has all but ended
    const { status, stdout, stderr } = shell(`NODE_OPTIONS='--require ${peak}' parse -q ${file} > /dev/null`)
    assert.equal(status, 0, stderr + stdout)
    const mib = Number(readFileSync(join(folder, 'peak'), 'utf8')) / 1024
    assert.ok(mib < 140, `${mib} MiB`)
  })
})

describe('a file with options that change its times', { skip: why }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-dat-'))
  after(() => rmSync(folder, { recursive: true }))
  const zstd = datFixture('v7-zstd-functions.dat')
  let plain: string[] = []
  before(() => {
    writeFileSync(join(folder, 'plain.dat'), zstd)
    plain = report(join(folder, 'plain.dat')).map(({ time }) => time)
  })

  const shift = (interpolate: number, samples: readonly (readonly bigint[])[]) =>
    integers(
      1n,
      interpolate,
      1,
      samples.length,
      ...[0, 1, 2].flatMap((column) => samples.map((sample) => sample[column] as bigint)),
      ...samples.map(() => 0n),
    )
  for (const [name, option] of [
    ['one-sample', shift(0, [[5n, -1_000_000n, 1n]])],
    [
      'two-samples',
      shift(0, [
        [270_000_000_000n, 77n, 1n],
        [280_000_000_000n, 99n, 1n],
      ]),
    ],
    [
      'interpolated',
      shift(1, [
        [270_000_000_000n, 0n, 1n],
        [272_000_000_000n, 9_000n, 1n],
        [274_000_000_000n, -5_001n, 1n],
      ]),
    ],
    [
      'steps',
      shift(0, [
        [270_000_000_000n, 10n, 1n],
        [271_000_000_000n, 20n, 1n],
        [272_000_000_000n, 30n, 1n],
      ]),
    ],
  ] as const)
    test(`TIME_SHIFT, ${name}: as trace-cmd has them`, () => {
      const file = join(folder, `${name}.dat`)
      writeFileSync(file, withOptions(zstd, [[12, option]]))
      assert.notDeepEqual(
        report(file).map(({ time }) => time),
        plain,
      )
      compare(file)
    })

  test('TSC2NSEC: the cycles at tsc_khz are the nanoseconds of trace-cmd', () => {
    const file = join(folder, 'tsc2nsec.dat')
    writeFileSync(file, withOptions(zstd, [[14, integers(13_721_000, 25, 0n)]]))
    const ns = report(file).map(({ time }) => BigInt(time))
    const [head, ...rest] = records(shell(`parse -q ${file}`).stdout)
    assert.equal(head.unit, 'tsc')
    const cycles = rest.filter(({ type }) => type === undefined).map(({ tsc }) => BigInt(tsc))
    assert.deepEqual(
      cycles.map((n) => (n * 13_721_000n) >> 25n),
      ns,
    )
    for (const [i, n] of cycles.entries()) {
      const error = Number((n * 1_000_000n) / BigInt(head.tsc_khz) - (ns[i] as bigint))
      assert.ok(Math.abs(error) < Number(n) * 1e-6, `${error} ns`)
    }
  })
})
