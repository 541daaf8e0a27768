/**
 * What tools do on a terminal and nowhere else, on a pseudo-terminal that script(1) makes: colours, which NO_COLOR turns
 * off; tables that change in place, over nothing that nobody could have read; names of a guest that command nothing.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { without } from './support/needs.js'

const ESC = '\x1b'
const colour = new RegExp(`${ESC}\\[[\\d;]*m`, 'g')
const hostile = `a${ESC}[2Jb${ESC}]0;owned\u0007c\u202ed\ne\u009b31mf`

describe('on a terminal', { skip: without('script') }, () => {
  const work = mkdtempSync(join(tmpdir(), 'vmpipe-terminal-'))
  after(() => rmSync(work, { recursive: true }))

  before(() => {
    const event = (ts: number, src: string, comm: string) =>
      JSON.stringify({ ts: `${ts}`, src, event: 'sched:wake', cpu: 1, pid: 7, comm, args: { a: 1 } })
    const lost = { type: 'lost', src: 'guest', cpu: 1, count: 3, from: '2500', to: '2600' }
    const lines = [event(1000, 'host', 'qemu'), event(2000, 'guest', hostile), JSON.stringify(lost), pairLine(3, 500)]
    writeFileSync(join(work, 'events'), `${lines.join('\n')}\n`)
    // one pair in each of four ms; the keys are as many as a terminal of 24 lines has
    for (let ms = 0; ms < 4; ms++) writeFileSync(join(work, `ms${ms}`), `${pairLine(ms, 1000 * 10 ** ms)}\n`)
    const many = Array.from({ length: 24 }, (_, key) => pairLine(0, 700, key))
    writeFileSync(join(work, 'many'), `${many.join('\n')}\n`)
  })

  function pairLine(ms: number, delta: number, key: number | string = hostile): string {
    const end = BigInt(ms) * 1_000_000n + 5_000_000_000n
    const times = { start_ts: `${end - BigInt(delta)}`, end_ts: `${end}`, delta_ns: delta }
    return JSON.stringify({ type: 'pair', start: 'sys:a', end: 'sys:b', key, ...times })
  }

  function sh(command: string, env = {}): string {
    const { stdout, error } = spawnSync('bash', ['-c', command], {
      cwd: work,
      env: { PATH: `${resolve('dist/bin')}:${process.env.PATH}`, LC_ALL: 'C.UTF-8', TERM: 'xterm-256color', ...env },
      encoding: 'utf8',
      timeout: 120_000,
    })
    assert.equal(error, undefined)
    return stdout
  }

  /** All that a command writes to a terminal. */
  function terminal(command: string, env = {}, [columns, rows] = [200, 24]): string {
    writeFileSync(join(work, 'command'), `stty cols ${columns} rows ${rows}\n${command}\n`)
    return sh(`script -qec 'bash command' /dev/null </dev/null`, env).replaceAll('\r\n', '\n')
  }

  describe('colours', () => {
    const commands = ['show -q events', 'show -q --sources events', 'histo --keys --timeline 1ms ms*']
    for (const command of commands)
      test(`of ${command} are the only difference to a pipe`, () => {
        const typed = terminal(command)
        assert.match(typed, colour)
        assert.equal(typed.replace(colour, ''), sh(command))
      })

    test('say what a guest saw, what was lost, and what stands out', () => {
      const [host, guest, lost, pair] = terminal('show -q events').split('\n')
      assert.doesNotMatch(host ?? '', colour)
      assert.ok(guest?.startsWith(`${ESC}[1;36mG${ESC}[0m `))
      assert.ok(lost?.startsWith(`${ESC}[1;31mCPU:1 [LOST 3 EVENTS]`))
      assert.ok(pair?.startsWith(`${ESC}[1m`))
    })

    test('are as many as the terminal has', () => {
      assert.ok(terminal('histo --timeline 1ms ms0').includes(`${ESC}[38;5;16;48;5;226m@`))
      assert.ok(terminal('histo --timeline 1ms ms0', { TERM: 'xterm' }).includes(`${ESC}[31m@`))
    })

    test('none with NO_COLOR, on a dumb terminal, and in a pipe', () => {
      for (const command of commands) {
        assert.equal(terminal(command, { NO_COLOR: '1' }), sh(command))
        assert.equal(terminal(command, { TERM: 'dumb' }), sh(command))
        assert.equal(terminal(`${command} | cat`), sh(command))
      }
    })

    test('NO_COLOR that is empty is not set', () => assert.match(terminal('show -q events', { NO_COLOR: '' }), colour))
  })

  describe('names of a guest', () => {
    for (const command of [
      'show events',
      'show --sources events',
      'histo --keys --bars --percentiles -i 1ms --scroll ms*',
    ])
      test(`command nothing: ${command}`, () => {
        const typed = terminal(command).replace(colour, '')
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may come
        assert.doesNotMatch(typed, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
        assert.match(typed, /\\x1b\[2Jb/)
      })
  })

  test('records show the same as JSON escapes, and mean the same; colours of tables behind them stay', () => {
    const typed = terminal('where -q 1 events')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may come
    assert.doesNotMatch(typed, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
    assert.match(typed, /\\u202ed\\ne\\u009b31mf/)
    const records = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    assert.deepEqual(records(typed), records(sh('where -q 1 events')))
  })

  test('lines of text that are carried unread command nothing', () => {
    const line = `            bash-7       [000] d.... 1.000001: a: ${ESC}[2J\u009b31m\r\n`
    writeFileSync(join(work, 'text'), `# vmpipe stream version=1 session=s\n${line}# vmpipe end session=s sent=1\n`)
    const typed = terminal('pull -q text')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of these may come
    assert.doesNotMatch(typed, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
    assert.match(typed, /a: \\u001b\[2J\\u009b31m\\u000d$/m)
  })

  describe('histo -i', () => {
    const until = (text: string) => [...text.matchAll(/until (\S+) s$/gm)].map(([, time]) => time)
    /** Longer than a table has to stand, 100 ms. */
    const pause = 'sleep 0.3'
    const live = `{ cat ms0 ms1; ${pause}; cat ms2; ${pause}; cat ms3; ${pause}; }`

    test('a live stream has one table at a time, and that over all below', () => {
      const typed = terminal(`${live} | histo --keys -i 1ms`)
      const piped = sh(`${live} | histo --keys -i 1ms`)
      assert.deepEqual(until(typed), ['5.001000000', '5.002000000', '5.003000000', '5.003000000'])
      assert.deepEqual(until(screen(typed)), ['5.003000000'])
      assert.equal(screen(typed).slice(screen(typed).indexOf('all\n')), piped.slice(piped.indexOf('all\n')))
    })

    test('with --scroll, in a pipe and on a dumb terminal they stand below each other', () => {
      const piped = sh(`${live} | histo --keys -i 1ms`)
      assert.equal(terminal(`${live} | histo --keys -i 1ms --scroll`), piped)
      assert.equal(terminal(`${live} | histo --keys -i 1ms`, { TERM: 'dumb' }), piped)
    })

    test('a file has them all: none gives way that nobody could have read', () => {
      // of intervals of 2,000 s each stands for 1,000 s at least
      const far = Array.from({ length: 3 }, (_, i) => pairLine(i * 3_000_000, 1000))
      writeFileSync(join(work, 'far'), `${far.join('\n')}\n`)
      assert.equal(terminal('histo -i 2000s far'), sh('histo -i 2000s far'))
      assert.equal(until(sh('histo -i 2000s far')).length, 3)
    })

    test('a table longer than the screen stays whole', () => {
      const command = `{ cat many ms1; ${pause}; cat ms2; } | histo --keys -i 1ms`
      assert.equal(terminal(command), sh(command))
    })

    test('lines that go on in the next one are counted', () => {
      const typed = terminal(`${live} | histo --keys -i 1ms`, {}, [60, 40])
      assert.deepEqual(until(screen(typed, 60)), ['5.003000000'])
    })

    test('a message stays', () => {
      const command = `{ cat ms0 ms1; ${pause}; echo '{'; cat ms2; ${pause}; cat ms3; ${pause}; } | histo -i 1ms`
      const shown = screen(terminal(command))
      assert.match(shown, /^histo: stdin:3: /m)
      assert.deepEqual(until(shown), ['5.001000000', '5.003000000'])
    })
  })

  describe('histo --merge -i', () => {
    const emit = (part: string, worker: string) =>
      `histo -q --keys --emit hdr -i 1ms --host node7 --worker ${worker} ${part}`
    const live = `{ ${emit('ms0', 'w1')}; sleep 0.4; ${emit('ms1', 'w2')}; sleep 0.4; }`

    test('shows what came in place, and all below', () => {
      const typed = terminal(`${live} | histo --merge -i 100ms --by host`)
      assert.equal(typed.match(/until /g)?.length, 2)
      const shown = screen(typed)
      assert.equal(shown.match(/^until /gm)?.length, 1)
      assert.match(shown, /^2 workers, 1 host, 2 intervals$/m)
      assert.equal(shown.slice(shown.indexOf('all\n')), sh(`{ ${live}; } | histo --merge -i 100s --by host`))
    })

    test('in a pipe they stand below each other', () =>
      assert.equal(sh(`${live} | histo --merge -i 100ms --by host`).match(/^until /gm)?.length, 2))

    test('has there as many rows as fit', () => {
      const typed = terminal(`{ ${emit('many', 'w1')}; sleep 0.4; } | histo --merge -i 100ms --by key`)
      assert.match(typed, /^\d+ more$/m)
      // the cursor stands on the last line
      assert.ok(typed.slice(0, typed.indexOf('all\n')).split('\n').length <= 24)
    })
  })

  test('histo --timeline fits, and says in its head what it shows', () => {
    for (const columns of [70, 80, 100, 110]) {
      const lines = terminal('histo --keys --timeline 1ms ms*', { NO_COLOR: '1' }, [columns, 24]).split('\n')
      const strip = lines.slice(0, lines.indexOf(''))
      assert.equal(strip.length, 5)
      assert.ok(Math.max(...strip.map((line) => line.length)) <= columns)
      const figures = strip[0]?.match(/\S+\(us\)/g)?.length ?? 0
      for (const line of strip.slice(1)) assert.equal(line.split('|')[0]?.trim().split(/\s+/).length, 2 + figures)
    }
  })
})

const move = new RegExp(`${ESC}\\[(\\d+)F${ESC}\\[J|([^${ESC}]+)`, 'g')

/** What is to be read on a terminal of so many columns afterwards: the lines that CSI F goes up over, CSI J takes away. */
function screen(typed: string, columns = 200): string {
  const lines: string[] = ['']
  for (const [, up, text = ''] of typed.replace(colour, '').matchAll(move)) {
    if (up !== undefined) lines.splice(-1 - Number(up), Number(up) + 1, '')
    for (const [i, line] of text.split('\n').entries()) {
      if (i > 0) lines.push('')
      for (const character of line) {
        if ((lines.at(-1) ?? '').length === columns) lines.push('')
        lines[lines.length - 1] += character
      }
    }
  }
  return lines.join('\n')
}
