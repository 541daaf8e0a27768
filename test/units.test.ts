/**
 * The systemd units of examples/systemd: systemd's own checks, which need no running systemd, and a capture with no
 * more rights than its unit leaves it.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { without } from './support/needs.js'
import { cannotTrace, captures } from './support/tracing.js'

const folder = 'examples/systemd'
/** What `systemd-analyze security` may find at most, times ten: 0 is locked away, 100 may do anything. */
const exposures: Record<string, number> = { 'vmpipe-push@.service': 30, 'vmpipe-worker@.service': 15 }
const unit = (name: string) => readFileSync(join(folder, name), 'utf8')

/** The values of a setting, as they stand there. */
function settings(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

describe('systemd units', () => {
  const work = mkdtempSync(join(tmpdir(), 'vmpipe-units-'))
  after(() => rmSync(work, { recursive: true }))
  // systemd looks where a package would be installed; here it is not
  before(() => {
    for (const name of readdirSync(folder))
      writeFileSync(join(work, name), unit(name).replace(/^ExecStart=/m, `ExecStart=${resolve('dist/bin')}/`))
  })

  const analyze = (...args: string[]) =>
    spawnSync('systemd-analyze', args, { cwd: work, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })

  test('are those that are known here', () =>
    assert.deepEqual(readdirSync(folder).sort(), Object.keys(exposures).sort()))

  for (const [name, most] of Object.entries(exposures)) {
    describe(name, { skip: without('systemd-analyze') }, () => {
      test('systemd understands every line', () => {
        const { status, stdout, stderr } = analyze('verify', '--man=no', name)
        assert.equal(stdout + stderr, '')
        assert.equal(status, 0)
      })

      test('a line that it does not understand would be told', () => {
        writeFileSync(join(work, name.replace('@', '-wrong@')), `${unit(name)}\n[Service]\nProtectSystems=strict\n`)
        assert.match(analyze('verify', '--man=no', name.replace('@', '-wrong@')).stderr, /ProtectSystems/)
      })

      test('it may do little', () => {
        const { status, stdout, stderr } = analyze(
          'security',
          '--offline=yes',
          `--threshold=${most}`,
          '--no-pager',
          name,
        )
        assert.equal(status, 0, stdout + stderr)
        assert.match(stdout, /Overall exposure level/)
      })
    })
  }

  test('a worker has no rights at all, and is nobody else', () => {
    const text = unit('vmpipe-worker@.service')
    assert.deepEqual(settings(text, 'CapabilityBoundingSet'), [''])
    assert.deepEqual(settings(text, 'DynamicUser'), ['yes'])
  })

  test('neither has a credential on a command line or in its environment', () => {
    for (const name of Object.keys(exposures)) {
      const text = unit(name)
      assert.deepEqual(settings(text, 'Environment'), ['NATS_CREDS=%d/nats.creds'])
      assert.match(settings(text, 'LoadCredential').join(), /^nats\.creds:\/etc\/vmpipe\/\w+\/%i\.creds$/)
      // one argument, whatever stands in it; no shell
      assert.deepEqual(settings(text, 'ExecStart'), [`vmpipe \${PIPELINE}`])
    }
  })

  test('a capture works with what its unit leaves root', { skip: cannotTrace() || without('setpriv') }, () => {
    const [allowed = ''] = settings(unit('vmpipe-push@.service'), 'CapabilityBoundingSet')
    const kept = allowed.split(' ').map((name) => `+${name.toLowerCase().replace('cap_', '')}`)
    const pipeline = "capture-host -N 20 -d 20s -e 'sched:sched_switch' | push captured.ndjson"
    const before = captures()
    const { status, stderr } = spawnSync(
      'setpriv',
      [`--bounding-set=-all,${kept}`, '--inh-caps=-all', '--no-new-privs', resolve('dist/bin/vmpipe'), pipeline],
      { cwd: work, encoding: 'utf8', timeout: 60_000 },
    )
    assert.equal(status, 0, stderr)
    assert.equal(readFileSync(join(work, 'captured.ndjson'), 'utf8').match(/"event":"sched:sched_switch"/g)?.length, 20)
    assert.deepEqual(captures(), before)
  })
})
