/**
 * The progress line, on a pseudo-terminal that script(1) makes: it comes for work of more than a second, it is gone
 * at the end, and what else is printed stands as if it had never been there.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { without } from './support/needs.js'

/** Seconds of CPU time that reading a file should take on this machine; a second thread unzips, so half may pass. */
const ENOUGH = 3
const LINES = 4001
const recording = 'examples/data/ovs-perf-script.txt.gz'
const shown = /(?:\d+ %|left)\r/

describe('progress', { skip: without('script') }, () => {
  const work = mkdtempSync(join(tmpdir(), 'vmpipe-progress-'))
  after(() => rmSync(work, { recursive: true }))
  let copies = 0
  before(() => {
    copies = fill('text.gz', readFileSync(recording), 'parse')
    fill('events.gz', sh(`parse -q ${resolve(recording)} | gzip -c`, 'buffer') as Buffer, 'pair A B --')
  })

  /** A file of as many copies as are enough for the tool. gzip files one after another are a gzip file (RFC 1952, 2.2). */
  function fill(name: string, once: Buffer, tool: string): number {
    const some = 200
    const write = (n: number) => writeFileSync(join(work, name), Buffer.concat(Array(n).fill(once)))
    write(some)
    const spent = Number(sh(`{ TIMEFORMAT=%U; time ${tool} ${name} >/dev/null 2>&1; } 2>&1`, 'utf8'))
    const n = Math.ceil((some * ENOUGH) / Math.max(0.05, spent))
    write(n)
    return n
  }

  /** What parse says at its end. */
  const said = (times = 1) => `parse: perf-script: ${(times * copies * LINES).toLocaleString('en')} events`

  const environment = { PATH: `${resolve('dist/bin')}:${process.env.PATH}`, LC_ALL: 'C.UTF-8', TERM: 'xterm' }

  function sh(command: string, encoding: 'buffer' | 'utf8', env = {}): Buffer | string {
    const { stdout, error } = spawnSync('bash', ['-c', command], {
      cwd: work,
      env: { ...process.env, ...environment, ...env },
      encoding,
      maxBuffer: 1 << 28,
      timeout: 120_000,
    })
    assert.equal(error, undefined)
    return stdout
  }

  /** All that a command writes to a terminal of so many columns. */
  function terminal(command: string, columns = 80, env = {}): string {
    writeFileSync(join(work, 'command'), `stty cols ${columns}\n${command}\n`)
    return sh(`script -qec 'bash command' /dev/null </dev/null`, 'utf8', env) as string
  }

  test('a line comes, and is gone at the end', () => {
    const typed = terminal('parse text.gz >/dev/null')
    assert.match(typed, /\rparse: \d+ % {2}[\d.]+ [kM]B\/s {2}\d+:\d\d left\r/)
    assert.deepEqual(screen(typed), [said()])
  })

  for (const command of ['pair A B --', 'order'])
    test(`${command.split(' ')[0]} has it as well`, () => {
      const typed = terminal(`${command} events.gz 2>&1 >/dev/null`)
      assert.match(typed, shown)
      assert.doesNotMatch(screen(typed).join('\n'), /left|%/)
    })

  test('results on the same terminal stand by themselves', () => {
    const command = `vmpipe 'parse text.gz | pair netdev_rxq_recv netdev_rxq_recv__return | histo'`
    const typed = terminal(command)
    assert.match(typed, shown)
    assert.deepEqual(screen(typed), (sh(`${command} 2>&1`, 'utf8') as string).trimEnd().split('\n'))
  })

  test('a narrow terminal has as much as fits', () => {
    const typed = terminal('parse text.gz >/dev/null', 16)
    assert.match(typed, /\r\d+ % {2}\d+:\d\d left\r/)
    const lines = typed.split(/\r\n?/).filter((line) => !line.includes('perf-script'))
    assert.ok(Math.max(...lines.map((line) => line.length)) < 16)
  })

  test('a message comes in between', () => {
    // twice: the machine may have been busier when the size was chosen
    const typed = terminal('parse text.gz text.gz no-such-file >/dev/null')
    assert.match(typed, shown)
    assert.deepEqual(screen(typed), ['parse: no-such-file: no such file', said(2)])
  })

  test('^C takes it away', () => {
    const typed = terminal(
      'parse text.gz text.gz text.gz >/dev/null & sleep 1.5; kill -INT $!; wait $!; echo status $?',
    )
    assert.equal(screen(typed).at(-1), 'status 130')
    assert.doesNotMatch(screen(typed).join('\n'), /left|%/)
  })

  test('none on a terminal that cannot go back, none when it is not wanted', () => {
    assert.doesNotMatch(terminal('parse text.gz >/dev/null', 80, { TERM: 'dumb' }), shown)
    assert.doesNotMatch(terminal('parse -q text.gz >/dev/null'), shown)
  })

  test('none where stderr is no terminal, none for a pipe, whose end nobody knows', () => {
    assert.equal(terminal('parse text.gz 2>said >/dev/null'), '')
    assert.equal(readFileSync(join(work, 'said'), 'utf8'), `${said()}\n`)
    assert.doesNotMatch(terminal('cat text.gz | parse >/dev/null'), shown)
  })
})

/** What is to be read on the terminal afterwards: a CR goes back, and later text is written over earlier. */
function screen(typed: string): string[] {
  return typed
    .trimEnd()
    .split('\n')
    .map((line) =>
      line
        .split('\r')
        .reduce((under, over) => over + under.slice(over.length), '')
        .trimEnd(),
    )
}
