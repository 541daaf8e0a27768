/** The soak (`npm run soak`), as short as it can be: every trouble once, and the accounts close. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { cannotTrace } from '../support/tracing.js'

describe('a soak of 20 seconds', { skip: cannotTrace() }, () => {
  test('every check holds, and the figures are written', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vmpipe-soak-out-'))
    const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/test/soak/soak.mjs'], {
      env: { ...process.env, SOAK: '20s', SOAK_OUT: folder },
      encoding: 'utf8',
      timeout: 120_000,
    })
    const read = (name: string) => readFileSync(join(folder, name), 'utf8')
    assert.equal(stderr, '')
    assert.doesNotMatch(stdout, /BROKEN/)
    assert.equal(status, 0)
    // a load did run, and troubles did come
    assert.match(stdout, /holds {3}host: sent = .*: [1-9]\d{3,} = /)
    for (const trouble of ['cut', 'a guest that is killed', 'stopped'])
      assert.match(read('figures.md'), new RegExp(`${trouble} [1-9]`))
    const samples = read('samples.ndjson')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(new Set(samples.map(({ process }) => process)).size, 11)
    const collected = samples.filter(({ heap_kib }) => heap_kib > 0)
    assert.equal(new Set(collected.map(({ process }) => process)).size, 11)
    assert.match(read('soak.svg'), /^<svg [\s\S]*<\/svg>\n$/)
    rmSync(folder, { recursive: true })
  })
})
