/** What the soak measures with: that its witness notices what is missing, and that its slopes are those of others. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { random } from './faults/random.js'
import { checkMemory, lives } from './soak/memory.js'
import { slopeOf } from './soak/slope.js'
import type { Seen } from './soak/witness.js'

function witnessed(lines: readonly object[]): Seen {
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  const { stdout, stderr } = spawnSync(process.execPath, ['dist/test/soak/witness.mjs'], { input, encoding: 'utf8' })
  assert.equal(stdout, input)
  return JSON.parse(stderr.trimEnd().split('\n').at(-1) as string)
}

const begin = (n: number) => ({ event: 'soak:start', args: { n } })
const end = (n: number) => ({ event: 'soak:end', args: { n } })
const lost = (count?: number) => ({ type: 'lost', count })

describe('the witness', () => {
  test('pairs, and knows what is missing', () => {
    const seen = witnessed([begin(1), end(1), begin(2), lost(2), end(3), begin(4), lost(), begin(9), end(9)])
    const { received, starts, ends, pairs, told, untold, unknown, apart, wrong } = seen
    assert.deepEqual({ received, starts, ends, pairs, apart }, { received: 7, starts: 4, ends: 3, pairs: 2, apart: 2 })
    // the end of 2 and the start of 3, which were told; from the end of 4 to that of 8, where no count was
    assert.deepEqual({ told, untold, unknown }, { told: 2, untold: 9, unknown: 1 })
    assert.deepEqual(wrong, [])
  })

  test('what is missing in silence is wrong, and what is told and is not missing', () => {
    assert.deepEqual(witnessed([begin(1), end(1), begin(3)]).wrong, ['before 3: 2 missing, 0 told'])
    assert.deepEqual(witnessed([begin(1), end(1), lost(1), begin(2)]).wrong, ['before 2: 0 missing, 1 told'])
    assert.deepEqual(witnessed([begin(1), end(1), begin(2), end(1)]).wrong, ['after 2: the end of another one'])
  })
})

describe('the slope', () => {
  test("of Anscombe's first data, as he told it: 0.500 with a standard error of 0.118", () => {
    const xs = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
    const ys = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
    const { slope, error } = slopeOf(xs.map((x, i) => [x, ys[i] as number]))
    assert.deepEqual([slope.toFixed(3), error.toFixed(3)], ['0.500', '0.118'])
  })

  test('of a memory that wanders around a level is none, within two errors nearly always', () => {
    const dice = random(1)
    const flat = Array.from({ length: 300 }, () => {
      let y = 0
      const points = Array.from({ length: 300 }, (_, x): [number, number] => {
        y = 0.8 * y + dice.below(1000) - 499.5
        return [x, y]
      })
      const { slope, error } = slopeOf(points)
      return Math.abs(slope) < 2 * error
    }).filter(Boolean).length
    assert.ok(flat > 0.9 * 300, `${flat} of 300`)
  })
})

/** What a program that runs for two seconds holds after each full collection, in the heap or beside it, in KiB. */
function heldBy(program: string, where: 'heap_kib' | 'beside_kib' = 'heap_kib'): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-collect-'))
  const env = { ...process.env, COLLECT_TO: folder, COLLECT_EVERY: '0.2' }
  const args = ['--import', './dist/test/soak/collect.mjs', '-e', program]
  assert.equal(spawnSync(process.execPath, args, { env, stdio: 'inherit' }).status, 0)
  const [name = ''] = readdirSync(folder)
  const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')
  rmSync(folder, { recursive: true })
  return lines.map((line) => JSON.parse(line)[where])
}

describe('what a process holds', () => {
  const forTwoSeconds = 'setTimeout(() => clearInterval(timer), 2000); '

  test('garbage is not held, however old it is', () => {
    const made =
      'const young = []; const timer = setInterval(() => { young.push(new Array(1e4).fill(0)); young.length > 5 && young.shift() }, 20)'
    const sizes = heldBy(`${forTwoSeconds}${made}`)
    assert.ok(sizes.length >= 3, `${sizes}`)
    assert.ok((sizes.at(-1) as number) - (sizes[1] as number) < 500, `${sizes}`)
  })

  test('a leak is', () => {
    const made = 'const all = []; const timer = setInterval(() => { all.push(new Array(1e4).fill(0)) }, 20)'
    const sizes = heldBy(`${forTwoSeconds}${made}`)
    assert.ok((sizes.at(-1) as number) - (sizes[0] as number) > 1500, `${sizes}`)
  })

  test('a leak of buffers is beside the heap', () => {
    const made = 'const all = []; const timer = setInterval(() => { all.push(Buffer.alloc(1e5, 1)) }, 20)'
    const sizes = heldBy(`${forTwoSeconds}${made}`, 'beside_kib')
    assert.ok((sizes.at(-1) as number) - (sizes[1] as number) > 4000, `${sizes}`)
  })

  test('a process that holds 2 MiB more each hour is found, one that makes that much garbage is not', () => {
    const every = Array.from({ length: 12 }, (_, i) => 300 * (i + 1))
    const of = (process: string, held: number) => ({
      samples: every.map((t) => ({
        t,
        process,
        pid: held,
        rss_kib: 50_000 + (2048 * t) / 3600,
        peak_kib: 0,
        fds: 9,
        cpu_s: 0,
      })),
      full: every.map((t, i) => ({
        t,
        process,
        rss_kib: 0,
        beside_kib: 9000 + (held * t) / 3600 + (i % 3),
        heap_kib: 4000,
      })),
    })
    const both = [of('leaks', 2048), of('litters', 0)]
    const all = lives(
      both.flatMap(({ samples }) => samples),
      both.flatMap(({ full }) => full),
      0,
    )
    const check = checkMemory(all, true).at(-1)
    assert.equal(check?.holds, false)
    assert.match(check?.figures ?? '', /^leaks 0 ± 0 \(beside it 20\d\d ± \d\), litters 0 ± 0 \(beside it -?\d ± \d\)$/)
    assert.equal(checkMemory(all.slice(1), true).at(-1)?.holds, true)
  })

  test('a heap that grows by 250 KiB an hour is found under any noise', () => {
    const full = Array.from({ length: 12 }, (_, i) => {
      const t = 300 * (i + 1)
      return {
        t,
        process: 'pull',
        rss_kib: 60_000,
        beside_kib: 9000 + 900 * (i % 3),
        heap_kib: Math.round(5700 + (250 * t) / 3600),
      }
    })
    const samples = full.map(({ t, process, rss_kib }) => ({
      t,
      process,
      pid: 1,
      rss_kib,
      peak_kib: 0,
      fds: 9,
      cpu_s: 0,
    }))
    assert.equal(checkMemory(lives(samples, full, 0), true).at(-1)?.holds, false)
  })
})
