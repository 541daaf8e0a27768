/**
 * What export writes, read back by each format's own reader where one can be had: DuckDB, HdrHistogram's own in Java
 * and in JavaScript, Prometheus' parser of OpenMetrics. The recording is the one of examples/irq-latency.md.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { asked } from './support/duckdb.js'
import { skipped, without } from './support/needs.js'
import { readTrace } from './support/trace-check.js'

const dir = mkdtempSync(join(tmpdir(), 'vmpipe-export-test-'))
const env = {
  ...process.env,
  PATH: `${resolve('dist/bin')}:${process.env.PATH}`,
  LC_ALL: 'C.UTF-8',
  DATA: resolve('examples/data'),
}
const [both, pairs] = [join(dir, 'both.ndjson'), join(dir, 'pairs.ndjson')]

interface Pair {
  start: string
  end: string
  key: string
  start_ts: string
  end_ts: string
  delta_ns: number
  start_cpu: number
  start_pid: number
  end_cpu: number
  end_pid: number
  start_src: string
  end_src: string
}
let found: Pair[]
let deltas: number[]

function shell(script: string, status = 0): { stdout: string; stderr: string } {
  const ran = spawnSync('bash', ['-c', script], {
    cwd: dir,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 120_000,
  })
  assert.equal(ran.status, status, ran.stderr)
  return ran
}

function records<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

before(() => {
  shell(`
    host() { parse -q --src host $DATA/irq-host.txt.gz | where -q 'event != "irq_handler_entry"' |
      tsc-align -q --tsc-offset -530607982635 --tsc-khz 2445430; }
    guest() { parse -q --src guest $DATA/irq-guest.txt.gz | tsc-align -q --tsc-khz 2445430; }
    order -q <(host) <(guest) |
      key-map -q -k 'kvm_msi_set_irq=dst * 1000 + vec' -k 'irq_handler_entry=irq == 26 ? 36 : irq == 30 ? 38 :
        irq == 25 ? 40 : irq == 27 ? 1037 : irq == 31 ? 1038 : irq == 33 ? 1040 : 1041' >both.ndjson
    pair -q kvm_msi_set_irq irq_handler_entry -- both.ndjson >pairs.ndjson`)
  found = records<Pair & { type: string }>(pairs).filter(({ type }) => type === 'pair')
  deltas = found.map(({ delta_ns }) => delta_ns).sort((a, b) => a - b)
  assert.equal(found.length, 1407)
})
after(() => rmSync(dir, { recursive: true, force: true }))

describe('perfetto', () => {
  test('the recording, pair by pair, event by event', () => {
    const { stdout, stderr } = shell('vmpipe export perfetto both.ndjson pairs.ndjson')
    assert.match(stderr, /3979 events, \d+ slices, 1407 pairs/)
    const { base, elements } = readTrace(stdout)
    const byId = (wanted: string) =>
      new Map(elements.filter(({ ph, cat }) => ph === wanted && cat === 'pair').map((element) => [element.id, element]))
    const [begins, ends, from, to] = [byId('b'), byId('e'), byId('s'), byId('f')]
    const processes = new Map(
      elements.filter(({ name }) => name === 'process_name').map(({ pid, args }) => [args.name, pid]),
    )
    const tidOf = (src: string, cpu: number, pid: number, event: string) => {
      const first = ((processes.get(src) as number) - 1) * 10_000_000
      return event === 'irq_handler_entry' || pid === 0 ? first + 9_000_000 + cpu : first + pid
    }
    assert.equal(begins.size, found.length)
    for (const [i, pair] of found.entries()) {
      const id = `0x${(i + 1).toString(16)}`
      const [b, e, s, f] = [begins, ends, from, to].map((map) => map.get(id) ?? assert.fail(`pair ${i} is not there`))
      assert.equal(b?.name, `${pair.start} => ${pair.end}`)
      assert.equal(b?.args.key, pair.key)
      for (const half of [b, s]) assert.equal(base + (half?.at ?? 0n), BigInt(pair.start_ts))
      for (const half of [e, f]) assert.equal(base + (half?.at ?? 0n), BigInt(pair.end_ts))
      assert.equal((e?.at ?? 0n) - (b?.at ?? 0n), BigInt(pair.delta_ns))
      assert.equal(s?.tid, tidOf(pair.start_src, pair.start_cpu, pair.start_pid, pair.start))
      assert.equal(f?.tid, tidOf(pair.end_src, pair.end_cpu, pair.end_pid, pair.end))
    }
  })

  test('the vCPU that was runnable and did not run while its interrupt waited', () => {
    const { elements, base } = readTrace(shell('vmpipe export perfetto -q both.ndjson').stdout)
    const waited = elements.find(
      ({ ph, tid, name, at }) => ph === 'X' && tid === 296 && name === 'runnable' && base + at === 39143445102n,
    )
    assert.equal(waited?.dur, 23795086n)
    assert.ok(elements.some(({ name, args }) => name === 'thread_name' && args.name === 'CPU 0/KVM 296'))
  })

  test('Chrome events of it are the same events again', () => {
    const script = `vmpipe export chrome -q both.ndjson >t.json; parse -q t.json | jq -rs '[.[] | select(.event == "kvm_msi_set_irq") | .ts] | join("\\n")' | sort >again
      jq -r 'select(.event == "kvm_msi_set_irq") | .ts' both.ndjson | sort | cmp - again`
    assert.equal(shell(script).stdout, '')
  })
})

test('perfetto: pings through two guests, each an arrow through all of its stages', () => {
  shell(`aligned() { parse -q --src $1 $DATA/ping-$1.txt.gz | tsc-align -q --tsc-khz 2445430 --src $1 "\${@:2}"; }
    order -q <(aligned vm1 --inverse --tsc-offset -428212023919) <(aligned host) \\
      <(aligned vm2 --inverse --tsc-offset -446049365661) >pings.ndjson
    chain -q --path $DATA/../two-guests-ping.path -- pings.ndjson >chains.ndjson`)
  const { base, elements } = readTrace(shell('vmpipe export perfetto -q pings.ndjson chains.ndjson').stdout)
  const chains = records<{ type: string; stages: { ts?: string; src?: string }[] }>(join(dir, 'chains.ndjson')).filter(
    ({ type }) => type === 'chain',
  )
  assert.ok(chains.length > 50)
  const processes = new Map(
    elements.filter(({ name }) => name === 'process_name').map(({ pid, args }) => [pid, args.name]),
  )
  for (const [i, { stages }] of chains.entries()) {
    const arrow = elements.filter(
      ({ cat, ph, id }) => cat === 'chain' && 'stf'.includes(ph) && id === `0x${(i + 1).toString(16)}`,
    )
    const came = stages.filter(({ ts }) => ts !== undefined)
    assert.deepEqual(
      arrow.map(({ pid, at }) => [processes.get(pid), base + at]),
      came.map(({ src, ts }) => [src, BigInt(ts ?? 0)]),
    )
  }
})

describe('HdrHistogram', () => {
  test('each interval of the log decodes to its pairs', () => {
    const { stdout } = shell('vmpipe export hlog -q -i 10s pairs.ndjson')
    const lines = stdout.split('\n').filter((line) => line.startsWith('Tag='))
    let decoded = 0
    for (const line of lines) {
      const [tag, start, length, max, text] = line.split(',') as [string, string, string, string, string]
      assert.equal(tag, 'Tag=kvm_msi_set_irq=>irq_handler_entry')
      const within = found.filter(
        ({ end_ts }) =>
          Number(end_ts) >= Number(start) * 1e9 && Number(end_ts) < (Number(start) + Number(length)) * 1e9,
      )
      const hdr = decodeFromCompressedBase64(text)
      assert.equal(hdr.totalCount, within.length)
      const slowest = Math.max(...within.map(({ delta_ns }) => delta_ns))
      assert.equal(Number(max), slowest / 1e6)
      assert.ok(Math.abs(hdr.maxValue - slowest) <= slowest / 1000)
      decoded += hdr.totalCount
    }
    assert.equal(decoded, 1407)
    assert.equal(lines.length, 4)
  })

  test('the wall clock, where the stream tells it', () => {
    const clock = '{"type":"clock","src":"host","ts":"1000","wall":"1700000000000001000"}'
    const { stdout } = shell(`(echo '${clock}'; cat pairs.ndjson) | vmpipe export hlog -q -i 10s | head -5`)
    assert.match(stdout, /^#\[StartTime: 1700000030\.000000000 \(seconds since epoch\), 2023-11-14T22:13:50\.000Z\]$/m)
    assert.match(stdout, /^#\[BaseTime: 1700000000\.000000000 \(seconds since epoch\)\]$/m)
  })

  const jar = '/usr/share/java/hdrhistogram.jar'
  const noJava = without('java') || (existsSync(jar) ? false : skipped('libhdrhistogram-java is not installed'))
  test("HdrHistogram's own HistogramLogProcessor reads it", { skip: noJava }, () => {
    const { stdout } = shell(`vmpipe export hlog -q -i 1s pairs.ndjson >l.hlog
      java -cp ${jar} org.HdrHistogram.HistogramLogProcessor -i l.hlog -tag 'kvm_msi_set_irq=>irq_handler_entry' -outputValueUnitRatio 1`)
    const table = stdout.slice(stdout.indexOf('Value     Percentile'))
    checkPercentiles(table)
    assert.match(table, /Total count += {9}1407\]/)
  })

  test('.hgrm is what the sorted latencies say', () =>
    checkPercentiles(shell('vmpipe export hgrm -q --unit ns pairs.ndjson').stdout))

  /** Each row: so many are at or below the value, and the value is that of the last of them, to 1/1000. */
  function checkPercentiles(table: string): void {
    const rows = [...table.matchAll(/^ *([\d.]+) ([\d.]+) +(\d+)/gm)]
    assert.ok(rows.length > 30)
    for (const [, value, , count] of rows) {
      const exact = deltas[Number(count) - 1] as number
      assert.ok(Math.abs(Number(value) - exact) <= exact / 1000 + 1, `${value} is not ${exact}`)
    }
    assert.equal(Number(rows.at(-1)?.[3]), 1407)
  }
})

describe('openmetrics', { skip: noParser() }, () => {
  test("is what Prometheus' parser takes, and counts exactly", () => {
    shell(
      'vmpipe export openmetrics -q pairs.ndjson >om.txt; vmpipe export openmetrics -q --keys --buckets 1ms,10ms pairs.ndjson >keys.txt',
    )
    const metrics = parsed('om.txt')
    const [counts] = metrics.filter(({ name }) => name === 'vmpipe_latency_seconds')
    assert.equal(counts?.type, 'histogram')
    const bounds = counts?.samples.filter(({ name }) => name.endsWith('_bucket')) ?? []
    assert.equal(bounds.length, 23)
    for (const { labels, value } of bounds) {
      const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Math.round(Number(labels.le) * 1e9)
      assert.equal(value, deltas.filter((delta) => delta <= le).length)
    }
    assert.match(readFileSync(join(dir, 'om.txt'), 'utf8'), /^vmpipe_latency_seconds_sum\{[^}]*\} 1\.145544231$/m)
    const starts = metrics.find(({ name }) => name === 'vmpipe_starts')?.samples ?? []
    assert.equal(
      starts.reduce((sum, { value }) => sum + value, 0),
      1416,
    )
    assert.deepEqual(
      starts.filter(({ value }) => value > 0).map(({ labels, value }) => [labels.outcome, value]),
      [
        ['pairs', 1407],
        ['replaced', 9],
      ],
    )
    const keyed = parsed('keys.txt')[0]?.samples.filter(({ name }) => name.endsWith('_count')) ?? []
    assert.equal(keyed.length, 7)
    assert.equal(
      keyed.reduce((sum, { value }) => sum + value, 0),
      1407,
    )
  })

  test('names of a hostile guest are labels, and no two series are the same', () => {
    const keys = hostile.map((key, i) =>
      JSON.stringify({ type: 'pair', start: 'a', end: 'b', key, vm: hostile[i]?.slice(0, 60), delta_ns: 5 }),
    )
    keys.push('{"type":"pair","start":"a","end":"b","key":"\\\\x1b[2J","vm":"\\u001b[2J","delta_ns":5}')
    writeFileSync(join(dir, 'hostile.ndjson'), `${keys.join('\n')}\n`)
    shell('vmpipe export openmetrics -q --keys hostile.ndjson >hostile.txt')
    const text = readFileSync(join(dir, 'hostile.txt'), 'utf8')
    assert.doesNotMatch(text, /[\p{Cf}]|[^\P{Cc}\n]/u)
    const sums = parsed('hostile.txt')[0]?.samples.filter(({ name }) => name.endsWith('_count')) ?? []
    assert.equal(
      sums.reduce((sum, { value }) => sum + value, 0),
      hostile.length + 1,
    )
    assert.ok(
      sums.some(({ labels }) => labels.key === '<script>alert("1")</script>\\'),
      'the text itself',
    )
  })

  interface Metric {
    name: string
    type: string
    samples: { name: string; labels: Record<string, string>; value: number }[]
  }

  function parsed(file: string): Metric[] {
    const program = `import json,sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as families
print(json.dumps([dict(name=m.name,type=m.type,samples=[dict(name=s.name,labels=s.labels,value=s.value) for s in m.samples]) for m in families(open(sys.argv[1]).read())]))`
    return JSON.parse(shell(`/usr/bin/python3 -c '${program}' ${file}`).stdout)
  }
})

const hostile = [
  '<script>alert("1")</script>\\',
  '\u001b[2J',
  '\u202ecod.exe',
  'a\nb="c"} 1\n# EOF',
  'x'.repeat(65_536),
  `${'x'.repeat(65_535)}y`,
  'comma, blank',
  '../../etc/passwd',
  '__proto__',
  '\ud800',
  "'; DROP TABLE pairs; --",
]

function noParser(): string | false {
  const { status } = spawnSync('/usr/bin/python3', ['-c', 'import prometheus_client.openmetrics.parser'])
  return status === 0 ? false : skipped('python3-prometheus-client is not installed')
}

describe('parquet and duckdb', () => {
  test('every pair and every event, read back by DuckDB', async () => {
    shell(
      'vmpipe export parquet -q --out tables both.ndjson pairs.ndjson; vmpipe export duckdb -q --out all.duckdb both.ndjson pairs.ndjson',
    )
    assert.deepEqual(readdirSync(join(dir, 'tables')).sort(), ['events.parquet', 'pairs.parquet', 'records.parquet'])
    const wanted = found.map(
      ({ start, end, key, start_ts, end_ts, delta_ns, start_src, start_cpu, start_pid, end_src, end_cpu, end_pid }) => [
        ...[start, end, String(key), BigInt(start_ts), BigInt(end_ts), BigInt(delta_ns)],
        ...[start_src, start_cpu, start_pid, end_src, end_cpu, end_pid],
      ],
    )
    const columns =
      'start, "end", key, start_ts, end_ts, delta_ns, start_src, start_cpu, start_pid, end_src, end_cpu, end_pid'
    assert.deepEqual(await rows(`SELECT ${columns} FROM 'tables/pairs.parquet'`), wanted)
    assert.deepEqual(await rows(`SELECT ${columns} FROM pairs`, 'all.duckdb'), wanted)
    const events = records<{ type?: string; ts: string; event: string; cpu: number; comm?: string; args: object }>(
      both,
    ).filter(({ type }) => type === undefined)
    const got = await rows(`SELECT ts, event, cpu, comm, args FROM 'tables/events.parquet'`)
    assert.deepEqual(
      got.map(([ts, event, cpu, comm, args]) => [ts, event, cpu, comm, JSON.parse(String(args))]),
      events.map(({ ts, event, cpu, comm, args }) => [BigInt(ts), event, cpu, comm ?? null, args]),
    )
  })

  test('64 bits are 64 bits', async () => {
    const lines = [
      '{"ts":"9007199254740993","src":"host","event":"a","key":"18446744073709551615","args":{"x":"18446744073709551615","y":9007199254740993}}',
      '{"tsc":"18446744073709551615","src":"host","event":"b","cpu":65535,"pid":2147483646}',
      '{"type":"pair","start":"a","end":"b","start_ts":"9223372036854775806","end_ts":"9223372036854775807","delta_ns":1,"src":"host"}',
      '{"type":"pair","start":"a","end":"b","start_tsc":"9007199254740993","end_tsc":"18446744073709551615","delta_tsc":9007199254740991,"src":"host"}',
      '{"type":"lost","src":"g","count":9007199254740991,"from":"-5","to":"9007199254740993"}',
    ]
    writeFileSync(join(dir, 'wide.ndjson'), `${lines.join('\n')}\n`)
    shell('vmpipe export parquet -q --out wide wide.ndjson')
    assert.deepEqual(await rows(`SELECT ts, tsc, key, args, cpu, pid FROM 'wide/events.parquet'`), [
      [
        9007199254740993n,
        null,
        '18446744073709551615',
        '{"x":"18446744073709551615","y":9007199254740993}',
        null,
        null,
      ],
      [null, 18446744073709551615n, null, null, 65535, 2147483646],
    ])
    assert.deepEqual(
      await rows(`SELECT start_ts, end_ts, delta_ns, start_tsc, end_tsc, delta_tsc FROM 'wide/pairs.parquet'`),
      [
        [9223372036854775806n, 9223372036854775807n, 1n, null, null, null],
        [null, null, null, 9007199254740993n, 18446744073709551615n, 9007199254740991n],
      ],
    )
    assert.deepEqual(await rows(`SELECT src, count, "from", "to" FROM 'wide/lost.parquet'`), [
      ['g', 9007199254740991n, -5n, 9007199254740993n],
    ])
    const types = await rows(`SELECT column_type FROM (DESCRIBE SELECT ts, tsc FROM 'wide/events.parquet')`)
    assert.deepEqual(types, [['BIGINT'], ['UBIGINT']])
  })

  test('in one process with what makes the records, whatever that reads', async () => {
    const sources = [
      ['parse -q $DATA/irqfd.dat', 2704n],
      ['parse -q $DATA/irqfd-report.txt', 7n],
      ['where -q 1 both.ndjson', 3979n],
    ] as const
    for (const [i, [source, count]] of sources.entries())
      for (const [options, files] of [
        ['', 'events.parquet'],
        ['--partition-by src', 'events/*/*.parquet'],
      ] as const) {
        const out = `one${i}${options.slice(0, 3)}`
        shell(`vmpipe "${source} | export parquet -q --out ${out} ${options}"`)
        assert.deepEqual(await rows(`SELECT count(*) FROM '${out}/${files}'`), [[count]], source)
      }
    shell(
      'irq-map -q --json $DATA/interrupts-guest.txt >map.ndjson; vmpipe "irq-map -q --json $DATA/interrupts-guest.txt | export parquet --out map"',
    )
    assert.deepEqual(
      await rows(`SELECT record FROM 'map/records.parquet'`),
      readFileSync(join(dir, 'map.ndjson'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => [line]),
    )
  })

  test('what pairs say beyond their columns, and when chains and delays ended', async () => {
    const lines = [
      '{"type":"clock","src":"host","ts":"0","wall":"1763855999000000000"}',
      '{"type":"pair","start":"a","end":"b","start_ts":"5","end_ts":"1000000007","delta_ns":1000000002,"src":"host","state":"RD","comm":"CPU 0/KVM","ret":"18446744073709551615","day":7}',
      '{"type":"pair","start":"a","end":"b","start_ts":"5","end_ts":"7","delta_ns":2,"src":"host"}',
      '{"type":"chain","path":"p","start_ts":"3","end_ts":"1000000003","delta_ns":1000000000,"stages":[]}',
      '{"type":"vcpu_delay","src":"host","vcpu":1,"start_ts":"3","end_ts":"9","delta_ns":6}',
      '{"type":"irq_off","src":"host","begin_before_ts":"3","end_ts":"11"}',
      '{"type":"histogram","until_ts":"12","calls":1}',
      '{"type":"summary","tool":"pair"}',
    ]
    writeFileSync(join(dir, 'more.ndjson'), `${lines.join('\n')}\n`)
    shell('vmpipe export parquet -q --out more more.ndjson')
    assert.deepEqual(await rows(`SELECT fields, day::VARCHAR FROM 'more/pairs.parquet'`), [
      ['{"state":"RD","comm":"CPU 0/KVM","ret":"18446744073709551615","day":7}', '2025-11-23'],
      [null, '2025-11-22'],
    ])
    assert.deepEqual(
      await rows(`SELECT type, ts, wall_ns, day::VARCHAR FROM 'more/records.parquet' WHERE type <> 'clock'`),
      [
        ['chain', 1000000003n, 1763856000000000003n, '2025-11-23'],
        ['vcpu_delay', 9n, 1763855999000000009n, '2025-11-22'],
        ['irq_off', 11n, 1763855999000000011n, '2025-11-22'],
        ['histogram', 12n, 1763855999000000012n, '2025-11-22'],
        ['summary', null, null, '2025-11-22'],
      ],
    )
  })

  test('names of a hostile guest are data', async () => {
    const events = hostile.map((name) =>
      JSON.stringify({
        ts: '1',
        src: 'host',
        event: name.slice(0, 60),
        comm: name,
        vm: name.slice(0, 60),
        args: { [name]: name },
      }),
    )
    writeFileSync(join(dir, 'names.ndjson'), `${events.join('\n')}\n`)
    shell(`vmpipe export parquet -q --out "it's" names.ndjson`)
    const got = await rows(`SELECT comm FROM 'it''s/events.parquet'`)
    assert.deepEqual(
      got.flat(),
      hostile.map((name) => (name === '\ud800' ? '\ufffd\ufffd\ufffd'.slice(0, String(got[9]?.[0]).length) : name)),
    )
  })

  test('without the package: one line that says what to install', () => {
    const alone = join(dir, 'alone')
    cpSync('dist/lib', join(alone, 'lib'), { recursive: true })
    writeFileSync(join(alone, 'package.json'), '{"type":"commonjs"}')
    const { stderr } = shell('node alone/lib/export.js parquet --out none pairs.ndjson', 1)
    assert.match(
      stderr,
      /^export: this format needs the package @duckdb\/node-api: npm install @duckdb\/node-api[^\n]*\n$/,
    )
    assert.deepEqual(existsSync(join(dir, 'none')) ? readdirSync(join(dir, 'none')) : [], [])
    shell('node alone/lib/export.js hlog -q pairs.ndjson')
  })

  test('a full disk is said in one line, and leaves nothing behind', { skip: noMount() }, () => {
    const disk = join(dir, 'disk')
    mkdirSync(disk)
    shell('mount -t tmpfs -o size=3m none disk')
    try {
      shell(
        'vmpipe export parquet -q --out disk --partition-by vm pairs.ndjson; ls -R disk >before; head -c 2100000 /dev/zero >disk/other',
      )
      for (const form of ['parquet --out disk', 'parquet --out disk --partition-by vm', 'duckdb --out disk/x.duckdb']) {
        const { stderr } = shell(`for i in {1..9}; do cat both.ndjson pairs.ndjson; done | vmpipe export ${form}`, 1)
        assert.match(stderr, /^vmpipe: [^\n]*[Nn]o space left on[^\n]*\n$/)
        shell('mv disk/other .; ls -R disk | cmp - before; mv other disk/')
      }
    } finally {
      shell('umount disk')
    }
  })

  function noMount(): string | false {
    return process.getuid?.() === 0 ? false : skipped('a full disk is made by root')
  }

  const rows = (sql: string, file?: string) => asked(dir, sql, file)
})
