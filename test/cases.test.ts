/**
 * Golden cases: test/cases/<tool>/<what-it-shows>/cmd is run by bash in its folder, as a user would, and
 * what it prints is held against expected, expected.err (absent: nothing) and status (absent: 0).
 *
 * UPDATE=1 npm test writes what was printed; the diff is then to be looked at.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'

const root = 'test/cases'
const env = {
  ...process.env,
  PATH: `${resolve('dist/bin')}:${process.env.PATH}`,
  LC_ALL: 'C.UTF-8',
  TZ: 'UTC',
  NO_COLOR: '1',
}
const only = process.env.CASE

for (const tool of readdirSync(root).sort()) {
  describe(tool, () => {
    for (const name of readdirSync(join(root, tool)).sort()) {
      const folder = join(root, tool, name)
      if (!existsSync(join(folder, 'cmd')) || (only && !folder.includes(only))) continue
      test(name.replaceAll('-', ' '), () => runCase(folder))
    }
  })
}

function runCase(folder: string): void {
  const command = readFileSync(join(folder, 'cmd'), 'utf8')
  const result = spawnSync('bash', ['-c', command], {
    cwd: folder,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    timeout: 120_000,
  })
  assert.equal(result.error, undefined)
  const status = result.status === null ? `signal ${result.signal}` : String(result.status)
  const got = { expected: result.stdout, 'expected.err': result.stderr, status: status === '0' ? '' : `${status}\n` }
  for (const [file, text] of Object.entries(got)) {
    const path = join(folder, file)
    if (process.env.UPDATE) update(path, text, file === 'expected')
    const wanted = existsSync(path) ? readFileSync(path, 'utf8') : ''
    assert.equal(text, wanted, `${path} differs`)
  }
}

function update(path: string, text: string, always: boolean): void {
  if (text === '' && !always) rmSync(path, { force: true })
  else writeFileSync(path, text)
}
