/**
 * A hostile guest: everything that it can send over its port (hostile/attacks.ts), into pull and what stands behind
 * it, held against what vmpipe(1) promises in SECURITY CONSIDERATIONS.
 *
 *     npm run hostile        a million lines of each kind, in place of ten thousand
 *
 * The same from within a real guest is in e2e/hostile.test.ts.
 */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { shell, strange } from './faults/processes.js'
import { attacks } from './hostile/attacks.js'
import { printed, records } from './hostile/consumers.js'
import { host, hostsOwn, isMarked, linesOf } from './hostile/promises.js'
import { receive } from './hostile/receive.js'
import { serve } from './hostile/serve.js'

const size = Number(process.env.HOSTILE ?? 0.1)
const folder = mkdtempSync(join(tmpdir(), 'vmpipe-hostile-'))
after(() => rmSync(folder, { recursive: true }))
/** MiB; what a process holds is bounded, whatever comes. */
const MOST = 200
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come
const command = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/
const formatting = /[\p{Cf}\p{Zl}\p{Zp}]/u

const hostPath = join(folder, 'host.ndjson')
writeFileSync(hostPath, host(4000))
const alone = hostsOwn(hostPath, `${hostPath}.alone`)
const pathOf = (name: string) => join(folder, `${name.replaceAll(' ', '-')}.ndjson`)

/** What its end record told. */
function sentOf(last: string): number {
  return JSON.parse(last.trimEnd().split('\n').at(-1) as string).sent
}

describe('a hostile guest', { concurrency: 2 }, () => {
  for (const [i, [name, attack]] of Object.entries(attacks).entries())
    test(`${name}: it is marked as the guest's, its account closes, and the host's is as it was`, async (t) => {
      const served = await serve(attack, size, i % 2 ? join(folder, `socket${i}`) : undefined)
      const to = pathOf(name)
      const { status, stderr, peak } = await receive(served, to)
      t.diagnostic(`${Math.round(peak)} MiB`)
      assert.ok(status === 0 || status === 1 || status === 130, `${status} ${stderr}`)
      assert.deepEqual(strange({ stderr }), [])
      assert.doesNotMatch(stderr, command)
      assert.doesNotMatch(stderr, formatting)
      assert.ok(peak > 0 && peak < MOST, `${peak} MiB`)
      const isText = / lines, /.test(stderr)
      let last = ''
      for await (const line of linesOf(to)) {
        last = line
        assert.ok(isText || isMarked(JSON.parse(line), 'vm1'), line.slice(0, 300))
      }
      if (attack.closes) {
        const { records, lost, before } = JSON.parse(last)
        assert.equal(records + lost + before, sentOf(served.last), stderr)
        assert.doesNotMatch(stderr, /believed/)
      }
      if (isText) return
      assert.deepEqual(await hostsOwn(`${hostPath} ${to}`, `${to}.merged`), await alone)
    })
})

test('the host alone has what it should keep', async () => {
  const { lines, pairs } = await alone
  assert.equal(pairs.length, 2000)
  assert.ok(lines.length > 4000)
})

/** A line of what a tool wrote. */
function check(tool: string, text: string): void {
  if (records.includes(tool)) {
    JSON.parse(text)
    return
  }
  assert.doesNotMatch(text, command, tool)
  if (!/^export|^report|--as/.test(tool)) assert.doesNotMatch(text, formatting, tool)
  if (/^report|--svg/.test(tool)) assert.doesNotMatch(text, /<script>alert|<img src=x/, tool)
}

describe('what stands behind pull', () => {
  test('is not ended, does not hang, does not hold it all, and commands no terminal', async (t) => {
    const all = join(folder, 'all')
    writeFileSync(all, host(100))
    for (const name of Object.keys(attacks)) appendFileSync(all, readFileSync(pathOf(name)))
    let largest = 0
    for (const line of [...records, ...printed]) {
      const args = line
        .replaceAll('%', all)
        .split(' ')
        .map((arg) => `'${arg}'`)
      const ended = await shell(`NODE_OPTIONS="$PEAK" env ${args.join(' ')} >${all}.out`)
      assert.ok(ended.status === 0 || ended.status === 1, `${line}: ${ended.status} ${ended.signal} ${ended.stderr}`)
      assert.deepEqual(strange(ended), [], line)
      assert.ok(ended.peak > 0 && ended.peak < MOST, `${line}: ${ended.peak} MiB`)
      largest = Math.max(largest, ended.peak)
      assert.doesNotMatch(ended.stderr, command, line)
      assert.doesNotMatch(ended.stderr, formatting, line)
      for await (const text of linesOf(`${all}.out`)) check(line, text)
    }
    t.diagnostic(`${records.length + printed.length} commands, ${Math.round(largest)} MiB at most`)
  })
})
