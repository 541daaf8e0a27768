/**
 * `export parquet --partition-by`: folders that grow into a history, run by run and while a run goes on, asked by
 * DuckDB with the types of its columns said, as examples/history.md does.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { asked } from './support/duckdb.js'
import { skipped } from './support/needs.js'

const env = { ...process.env, PATH: `${resolve('dist/bin')}:${process.env.PATH}`, LC_ALL: 'C.UTF-8' }
const ofRow = "hive_partitioning = true, hive_types = {'day': DATE, 'host': VARCHAR, 'vm': VARCHAR}"
const dayAndAll = '--partition-by day,host,vm'

/** Of 1970-01-01 the days since; at the clock's 0 it is 1 s before midnight of 2025-11-23. */
const MIDNIGHT = 1763856000000000000n
const clock = (src = 'host', wall = MIDNIGHT - 1_000_000_000n) =>
  `{"type":"clock","src":"${src}","ts":"0","wall":"${wall}"}`
const stream = (hostname: string, src = 'host') => JSON.stringify({ type: 'stream', src, hostname })

function pair(seconds: number, vm?: string, more: object = {}): string {
  const times = { start_ts: '0', end_ts: String(BigInt(seconds) * 1_000_000_000n), delta_ns: seconds }
  return JSON.stringify({ type: 'pair', start: 'a', end: 'b', ...times, src: 'host', vm, ...more })
}

describe('a history', () => {
  const dir = mkdtempSync(join(tmpdir(), 'vmpipe-history-test-'))
  after(() => rmSync(dir, { recursive: true, force: true }))
  let folders = 0
  const rows = (sql: string) => asked(dir, sql)

  /** The lines into a history; its name, what was said, and the status. */
  function exported(lines: readonly string[], options = dayAndAll, out = `h${folders++}`, status = 0) {
    const ran = spawnSync('vmpipe', ['export', 'parquet', '--out', out, ...options.split(' ')], {
      cwd: dir,
      env,
      encoding: 'utf8',
      input: lines.map((line) => `${line}\n`).join(''),
      maxBuffer: 1 << 24,
      timeout: 120_000,
    })
    assert.equal(ran.status, status, ran.stderr)
    return { out, stderr: ran.stderr, files: filesOf(out) }
  }

  function filesOf(out: string): string[] {
    return readdirSync(join(dir, out), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(dir, out).length + 1))
      .sort()
  }

  const pairsOf = (out: string, columns = 'day::VARCHAR, host, vm, delta_ns::INTEGER') =>
    rows(`SELECT ${columns} FROM read_parquet('${out}/pairs/**/*.parquet', ${ofRow}) ORDER BY delta_ns, end_ts`)

  test('by day, host and vm; a day begins at midnight, and what came before the clock has none', async () => {
    const lines = [
      pair(5, 'early'),
      stream('h1'),
      clock(),
      pair(0, 'web'),
      pair(1, 'web'),
      pair(2),
      pair(-86400, 'web'),
    ]
    const { out, stderr, files } = exported(lines, `${dayAndAll} --name run1`)
    assert.deepEqual(
      files.filter((file) => file.startsWith('pairs')),
      [
        'pairs/day=2025-11-21/host=h1/vm=web/run1-0.parquet',
        'pairs/day=2025-11-22/host=h1/vm=web/run1-0.parquet',
        'pairs/day=2025-11-23/host=h1/vm=__HIVE_DEFAULT_PARTITION__/run1-0.parquet',
        'pairs/day=2025-11-23/host=h1/vm=web/run1-0.parquet',
        'pairs/day=__HIVE_DEFAULT_PARTITION__/host=__HIVE_DEFAULT_PARTITION__/vm=early/run1-0.parquet',
      ],
    )
    assert.deepEqual(await pairsOf(out), [
      ['2025-11-21', 'h1', 'web', -86400],
      ['2025-11-22', 'h1', 'web', 0],
      ['2025-11-23', 'h1', 'web', 1],
      ['2025-11-23', 'h1', null, 2],
      [null, null, 'early', 5],
    ])
    assert.match(
      stderr,
      /^export: 1 row is of no day: no clock record with a ts and a wall came before them\nexport: 5 pairs, 2 records in h\d+, 7 files\n$/,
    )
  })

  test('each run adds to it, and no file is ever replaced', async () => {
    const { out, files } = exported([clock(), pair(1, 'web')])
    const { files: more } = exported([clock(), pair(2, 'web')], dayAndAll, out)
    assert.equal(more.length, 2 * files.length)
    for (const file of files) assert.ok(more.includes(file))
    assert.deepEqual(await pairsOf(out, 'delta_ns::INTEGER'), [[1], [2]])
    const named = `${dayAndAll} --name nightly`
    const { files: once } = exported([clock(), pair(3, 'web')], named, out)
    const { stderr, files: again } = exported([clock(), pair(4, 'web'), pair(5, 'db')], named, out, 1)
    assert.match(
      stderr,
      /^vmpipe: h\d+\/[^\n]*\/nightly-0\.parquet: it is there already, and no file of a history is replaced\n$/,
    )
    assert.deepEqual(again, once)
    assert.deepEqual(await pairsOf(out, 'delta_ns::INTEGER'), [[1], [2], [3]])
  })

  test('two runs at once do not meet', async () => {
    const out = `h${folders++}`
    const lines = [clock(), ...Array.from({ length: 5000 }, (_one, i) => pair(i, 'web'))].map((line) => `${line}\n`)
    const running = [1, 2].map(() => {
      const child = spawn(
        'vmpipe',
        ['export', 'parquet', '--out', out, '--partition-by', 'vm', '--roll-rows', '1000'],
        {
          cwd: dir,
          env,
          stdio: ['pipe', 'ignore', 'pipe'],
        },
      )
      child.stdin.end(lines.join(''))
      return once(child, 'exit')
    })
    for (const [status] of await Promise.all(running)) assert.equal(status, 0)
    const sum = await rows(
      `SELECT count(*), count(DISTINCT delta_ns), count(DISTINCT filename) > 2 FROM '${out}/pairs/**/*.parquet'`,
    )
    assert.deepEqual(sum, [[10_000n, 5000n, true]])
  })

  test('names of a hostile guest are folders that hold nothing but their own rows', async () => {
    const names = [
      ...[
        '..',
        '.',
        '../../up',
        '/etc',
        'a/b',
        'a=b',
        'day=2025-11-22',
        '%2F',
        '%',
        '\\',
        '',
        ' ',
        '\0',
        '\n',
        '\u001b[2J',
      ],
      ...[
        '\u007f',
        '\u0085',
        '\u202e',
        '__HIVE_DEFAULT_PARTITION__',
        'NULL',
        'null',
        '007',
        '7',
        '1e1',
        '*?[a]',
        "it's",
      ],
      ...['"', '猫'.repeat(80), `${'猫'.repeat(79)}犬`, 'x'.repeat(250), '__proto__', '-rf', 'trailing.'],
    ]
    const lines = names.flatMap((name, i) => [stream(name), pair(i, name)])
    const { out, files } = exported([clock(), ...lines])
    const parts = files.filter((file) => file.startsWith('pairs'))
    for (const file of parts) {
      const folder = '[A-Za-z0-9._~%-]{1,210}'
      assert.match(file, new RegExp(`^pairs/day=2025-11-2[0-9]/host=${folder}/vm=${folder}/[a-z0-9-]+\\.parquet$`))
    }
    assert.equal(parts.length, names.length)
    const got = await pairsOf(out, 'host, vm, delta_ns::INTEGER')
    assert.equal(got.length, names.length)
    for (const [i, [host, vm, delta]] of got.entries()) {
      const name = names[i] as string
      assert.equal(delta, i)
      // what readers take for nothing, and what no folder can be called, is told by its digest
      const short = /^(?:null|__hive.*|猫+犬?|x+)$/i.test(name)
      if (short) assert.match(String(vm), new RegExp(`^${name.slice(0, 12)}.*\\.\\.\\.[0-9a-f]{12}$`))
      else assert.equal(vm, name === '' ? null : name)
      if (!short) assert.equal(host, name === '' ? null : name)
    }
    assert.equal(new Set(got.map(([, vm]) => vm)).size, names.length)
  })

  test('a fleet: each host has its own clock and its own name', async () => {
    const later = MIDNIGHT + 86_400_000_000_000n
    const { out } = exported([
      clock('node7/host'),
      clock('node8/host', later),
      pair(0, 'node7/vm1', { src: 'node7/vm1' }),
      pair(1, 'node8/vm1', { src: undefined, start_src: 'node8/host', end_src: 'node8/vm1' }),
      pair(2, 'node9/vm1', { src: 'node9/vm1' }),
    ])
    assert.deepEqual(await pairsOf(out), [
      ['2025-11-22', 'node7', 'node7/vm1', 0],
      ['2025-11-24', 'node8', 'node8/vm1', 1],
      [null, 'node9', 'node9/vm1', 2],
    ])
  })

  test('64 bits are 64 bits, and a wall clock beyond them is none', async () => {
    const huge = { start_ts: '9223372036854775806', end_ts: '9223372036854775807', delta_ns: 1 }
    const { out, stderr } = exported([pair(1, 'web', huge), clock(), pair(2, 'web', huge)])
    assert.deepEqual(await pairsOf(out, 'start_ts, end_ts, wall_ns, day'), [
      [9223372036854775806n, 9223372036854775807n, null, null],
      [9223372036854775806n, 9223372036854775807n, null, null],
    ])
    assert.match(stderr, /2 rows are of no day/)
  })

  test('pairs in cycles are of no day, and the first set says so already', async () => {
    const inCycles = (n: number) =>
      JSON.stringify({
        type: 'pair',
        start: 'a',
        end: 'b',
        start_tsc: '1',
        end_tsc: `${n + 1}`,
        delta_tsc: n,
        src: 'host',
      })
    const lines = Array.from({ length: 20_000 }, (_one, i) => inCycles(i))
    const { out, stderr } = exported([clock(), ...lines], `${dayAndAll} --roll-rows 5000`)
    const why = 'rows are of no day: they have cycles, which tsc-align\\(1\\) makes times of'
    const [, first, all] =
      new RegExp(`^export: (\\d+) ${why}\nexport: (\\d+) ${why}\nexport: 20000 pairs`).exec(stderr) ?? []
    assert.equal(all, '20000', stderr)
    assert.ok(Number(first) >= 5000 && Number(first) < 20_000, stderr)
    assert.deepEqual(await pairsOf(out, 'DISTINCT day, count(*) OVER ()'), [[null, 20000n]])
  })

  test('a loss among events in cycles is of no day, beside a host whose clock is known', async () => {
    const loss = (src: string) => JSON.stringify({ type: 'lost', src, count: 3, from: '1000', to: '2000' })
    const inCycles = JSON.stringify({ type: 'stream', src: 'guest', unit: 'tsc' })
    const { out, stderr } = exported([stream('n1'), clock(), inCycles, loss('guest'), loss('host')])
    assert.deepEqual(
      await rows(`SELECT src, "from", wall_ns FROM read_parquet('${out}/lost/**/*.parquet', ${ofRow}) ORDER BY src`),
      [
        ['guest', 1000n, null],
        ['host', 1000n, MIDNIGHT - 1_000_000_000n + 1000n],
      ],
    )
    assert.match(stderr, /1 row is of no day/)
  })

  test('a guest that says each time another day gets no more than 4000 of them', async () => {
    const lines = Array.from({ length: 4010 }, (_one, i) => [
      clock('guest', MIDNIGHT + BigInt(i) * 86_400_000_000_000n),
      pair(0, 'web', { src: 'guest' }),
    ])
    const { out, stderr } = exported(lines.flat(), '--partition-by vm')
    assert.deepEqual(await rows(`SELECT count(DISTINCT day), count(*) FROM '${out}/pairs/**/*.parquet'`), [
      [4000n, 4010n],
    ])
    assert.doesNotMatch(stderr, /no day/)
  })

  test('a set of files is there after so many rows, in order, and what follows are further ones', async () => {
    const lines = Array.from({ length: 30_000 }, (_one, i) => pair(i, i % 3 === 0 ? 'db' : 'web'))
    const { out, files, stderr } = exported([clock(), ...lines], '--partition-by vm --name r --roll-rows 5000')
    const sets = new Set(files.map((file) => /r-(\d+)\.parquet$/.exec(file)?.[1]))
    assert.ok(sets.size > 2, files.join('\n'))
    assert.match(stderr, new RegExp(`30000 pairs, 1 records in ${out}, ${files.length} files`))
    const sum = await rows(`SELECT count(*), sum(delta_ns)::BIGINT FROM '${out}/pairs/**/*.parquet'`)
    assert.deepEqual(sum, [[30_000n, 449_985_000n]])
    const unordered = await rows(`SELECT count(*) FROM (SELECT delta_ns <= lag(delta_ns) OVER (PARTITION BY filename
      ORDER BY file_row_number) AS back FROM read_parquet('${out}/pairs/**/*.parquet', file_row_number = true)) WHERE back`)
    assert.deepEqual(unordered, [[0n]])
  })

  test('rows of long texts, of which DuckDB can hold few, are in sets of fewer rows', async () => {
    const long = 'x'.repeat(400_000)
    const lines = Array.from(
      { length: 120 },
      (_one, i) => `{"ts":"${i}","src":"host","event":"a","args":{"s":"${i}${long}"}}`,
    )
    const { out, files } = exported([clock(), ...lines], '--partition-by src')
    assert.equal(files.filter((file) => file.startsWith('events')).length, 2)
    const lengths = await rows(
      `SELECT count(*), min(length(args)), max(length(args)) FROM '${out}/events/**/*.parquet'`,
    )
    assert.deepEqual(lengths, [[120n, 400_009n, 400_011n]])
  })

  /** A run that goes on: its history has a file while its input is still open. */
  async function going(out: string): Promise<ChildProcess & { stdin: NonNullable<ChildProcess['stdin']> }> {
    const child = spawn('vmpipe', ['export', 'parquet', '--out', out, ...dayAndAll.split(' '), '--roll', '1ms'], {
      cwd: dir,
      env,
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    const fed = async () => {
      for (let second = 0; filesOf(out).every((file) => !file.startsWith('pairs/')); second++) {
        assert.equal(child.exitCode, null)
        child.stdin.write(`${second === 0 ? clock() : pair(1, 'web')}\n`)
        await setTimeout(20)
      }
    }
    mkdirSync(join(dir, out))
    await fed()
    return child
  }

  test('while a run goes on its files appear, whole; killed, it leaves them, and the next run adds its own', async () => {
    const out = `h${folders++}`
    const child = await going(out)
    const [seen] = await rows(`SELECT count(*) FROM '${out}/pairs/**/*.parquet'`)
    assert.ok((seen?.[0] as bigint) >= 1n)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const before = filesOf(out).filter((file) => file.startsWith('pairs/'))
    const { files } = exported([clock(), pair(7, 'web')], dayAndAll, out)
    for (const file of before) assert.ok(files.includes(file))
    assert.deepEqual((await pairsOf(out, 'delta_ns::INTEGER')).at(-1), [7])
  })

  test('^C: what came until then is in it, and nothing else is left', async () => {
    const out = `h${folders++}`
    const child = await going(out)
    child.stdin.write(`${pair(9, 'web')}\n`)
    await setTimeout(50)
    child.kill('SIGINT')
    const [status] = await once(child, 'exit')
    assert.equal(status, 130)
    assert.deepEqual((await pairsOf(out, 'delta_ns::INTEGER')).at(-1), [9])
    assert.deepEqual(readdirSync(join(dir, out)).sort(), ['pairs', 'records'])
  })

  test('a disk that fills up: what is there stays, and is told', { skip: noMount() }, async () => {
    mkdirSync(join(dir, 'disk'))
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=5m', 'none', join(dir, 'disk')]).status, 0)
    try {
      const noise = Array.from({ length: 40_000 }, (_one, i) =>
        pair((i * 7_919) % 40_009, 'web', { x: Math.sin(i), y: Math.cos(i) }),
      )
      const { stderr } = exported([...noise, ...noise, ...noise], '--partition-by vm --roll-rows 20000', 'disk/h', 1)
      const [, said] =
        /^vmpipe: [^\n]*[Nn]o space left on[^\n]*; (\d+) pairs are there\n$/.exec(stderr) ?? assert.fail(stderr)
      assert.deepEqual(await rows(`SELECT count(*) FROM 'disk/h/pairs/**/*.parquet'`), [[BigInt(said as string)]])
      assert.deepEqual(readdirSync(join(dir, 'disk/h')), ['pairs'])
    } finally {
      spawnSync('umount', [join(dir, 'disk')])
    }
  })

  test('options that say nothing, or nothing sensible', () => {
    for (const [options, said] of [
      ['--partition-by day,day', /--partition-by day,day: of day, host, vm, src, each once/],
      ['--roll 1m', /--roll says nothing without --partition-by/],
      ['--name a', /--name says nothing without --partition-by/],
      ['--partition-by day --name ../a', /--name is letters/],
      ['--partition-by day --roll 0s', /--roll 0s is no stretch of time/],
      ['--partition-by day --roll-rows 0', /--roll-rows 0 is no number of rows/],
    ] as const) {
      const ran = spawnSync('vmpipe', ['export', 'parquet', '--out', 'none', ...options.split(' ')], {
        cwd: dir,
        env,
        encoding: 'utf8',
        input: '',
      })
      assert.equal(ran.status, 2)
      assert.match(ran.stderr, said)
    }
    assert.ok(!readdirSync(dir).includes('none'))
  })
})

function noMount(): string | false {
  return process.getuid?.() === 0 ? false : skipped('a full disk is made by root')
}
