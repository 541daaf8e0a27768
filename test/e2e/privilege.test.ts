/**
 * What a capture needs of the kernel, and what it does not: as root without any capability, as nobody with one, as
 * nobody without it. What capture-host(1) says of this is held here.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { skipped, without } from '../support/needs.js'
import { cannotTrace, captures, records } from '../support/tracing.js'

const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs']
const event = ['-e', 'sched:sched_switch', '-d', '300ms']

/** One capability and no other. */
function only(capability: string): string[] {
  return ['inh-caps', 'ambient-caps', 'bounding-set'].map((set) => `--${set}=-all,+${capability}`)
}

const why =
  cannotTrace() || without('setpriv') || (process.getuid?.() === 0 ? false : skipped('needs root, to give it up'))

describe('a capture', { skip: why }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-privilege-'))
  const others = why ? [] : captures()
  before(() => {
    // where nobody may read it
    for (const part of ['bin', 'lib', 'package.json'])
      cpSync(join('dist', part), join(folder, part), { recursive: true })
    spawnSync('chmod', ['-R', 'a+rX', folder])
  })
  after(() => rmSync(folder, { recursive: true }))

  /** Runs it, and looks whether anything stays. */
  function capture(privileges: readonly string[], args: readonly string[], first: readonly string[] = []) {
    const [command = '', ...rest] = [...first, 'setpriv', ...privileges, join(folder, 'bin/capture-host'), ...args]
    const ran = spawnSync(command, rest, { encoding: 'utf8', timeout: 60_000, cwd: '/' })
    assert.deepEqual(
      captures().filter((name) => !others.includes(name)),
      [],
    )
    return ran
  }

  function events(stdout: string): number {
    return records(stdout).filter(({ type }) => type === undefined).length
  }

  test('runs as root without a capability', () => {
    const { status, stdout, stderr } = capture(['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'], event)
    assert.equal(status, 0, stderr)
    assert.ok(events(stdout) > 0)
  })

  test('runs as nobody with CAP_DAC_OVERRIDE alone, and removes its instance', () => {
    const { status, stdout, stderr } = capture([...nobody, ...only('dac_override')], event)
    assert.equal(status, 0, stderr)
    assert.ok(events(stdout) > 0)
  })

  test('so do probes', () => {
    const { status, stderr } = capture([...nobody, ...only('dac_override')], ['-p', '/bin/bash:main', '-d', '100ms'])
    assert.equal(status, 0, stderr)
  })

  test('of a CPU that it does not run on, where the kernel does not tell the rate of the TSC', {
    skip: cpus().length < 2,
  }, () => {
    const privileges = [...nobody, ...only('dac_override')]
    const { status, stdout, stderr } = capture(privileges, [...event, '--cpu', '1'], ['taskset', '-c', '0'])
    assert.equal(status, 0, stderr)
    assert.equal(records(stdout)[0].type, 'stream')
  })

  for (const capability of ['dac_read_search', 'sys_admin', 'perfmon', 'bpf'])
    test(`is refused to nobody with CAP_${capability.toUpperCase()} alone: one clear line`, () => {
      const { status, stdout, stderr } = capture([...nobody, ...only(capability)], event)
      assert.equal(status, 1)
      assert.equal(stdout, '')
      assert.match(stderr, /^capture-host: tracing needs root[^\n]*\n$/)
    })
})
