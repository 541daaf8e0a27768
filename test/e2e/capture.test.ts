/**
 * capture-host on this machine's own kernel: what it was asked for and nothing else, exact times, every loss said,
 * nothing left behind, however it ends.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { tracefs } from '../../lib/tracefs/tracefs.js'
import { bin, cannotTrace, captures, records, shell, start, until } from '../support/tracing.js'

const why = cannotTrace()
const exec = 'sched:sched_process_exec'

describe('capture-host', { skip: why }, () => {
  const others = why ? [] : captures()
  const leftBehind = () => captures().filter((name) => !others.includes(name))
  afterEach(() => assert.deepEqual(leftBehind(), []))

  /** Starts it, and waits until it records. */
  async function capturing(args: readonly string[]) {
    const { child, done } = start('capture-host', args)
    let text = ''
    child.stdout?.on('data', (piece) => {
      text += piece
    })
    await until(() => text.includes('"type":"clock"'), 'the first clock record')
    return { child, done, text: () => text }
  }

  test('an event with a filter, its fields, clocks before and after, an orderly end', async () => {
    const { child, done } = await capturing(['-e', `${exec}/filename ~ "*true"/`])
    const from = process.hrtime.bigint()
    execFileSync('bash', ['-c', 'exec -a x /bin/true'])
    spawnSync('/bin/false')
    const to = process.hrtime.bigint()
    child.kill('SIGINT')
    const { status, stdout, stderr } = await done
    assert.equal(status, 130)
    const all = records(stdout)
    const [stream, clock] = all
    const last = all.findLast(({ type }) => type === 'clock')
    const events = all.filter(({ type }) => !type)
    assert.equal(stream.type, 'stream')
    assert.equal(events.length, 1)
    const [event] = events
    assert.equal(event.event, exec)
    assert.equal(event.args.filename, '/bin/true')
    assert.equal(event.args.pid, event.pid)
    // the event's cycles on the monotonic clock, by the samples around it
    const rate = Number(last.tsc - clock.tsc) / Number(last.mono - clock.mono)
    const at = BigInt(clock.mono) + BigInt(Math.round(Number(BigInt(event.tsc) - BigInt(clock.tsc)) / rate))
    const error = BigInt(clock.error_ns + last.error_ns)
    assert.ok(at > from - error && at < to + error, `${at} in ${from} to ${to}`)
    assert.deepEqual(all.at(-2), { type: 'end', src: 'host', events: 1, lost: 0, session: stream.session })
    assert.match(stderr, /^capture-host: 1 events, 0 lost/)
  })

  test('the rate of the TSC is what the kernel says, and the measured one agrees', async () => {
    const { done } = start('capture-host', ['-e', exec, '-d', '3s', '--src', 'here'])
    const all = records((await done).stdout)
    const said = [
      ...execFileSync('dmesg')
        .toString()
        .matchAll(/tsc: (?:Detected|Refined.*:) ([\d.]+) MHz/g),
    ].at(-1)
    const { tsc_khz, src } = all[0]
    assert.equal(src, 'here')
    if (said) assert.equal(tsc_khz, Math.round(Number(said[1]) * 1000))
    const { tsc_khz: measured, tsc_khz_error_ppm: error } = all.at(-1)
    assert.ok(Math.abs(measured / tsc_khz - 1) * 1e6 < 10 + error, `${measured} and ${tsc_khz}, to ${error} ppm`)
  })

  test('show has the wall clock to the millisecond', async () => {
    const { child, done } = await capturing(['-e', `${exec}/filename ~ "*/true"/`])
    const { stdout: times } = shell('echo $EPOCHREALTIME; /bin/true; echo $EPOCHREALTIME')
    child.kill()
    const { stdout } = await done
    const shown = spawnSync('bash', ['-c', `${bin}/tsc-align -q | ${bin}/show -q`], {
      input: stdout,
      encoding: 'utf8',
    }).stdout
    const [, day, time] = /^(\S+) (\d+:\d+:\d+\.\d{6}) /.exec(shown) ?? assert.fail(shown)
    const seconds = Number(execFileSync('date', ['-d', `${day} ${time}`, '+%s.%N']))
    const [before, after] = times.trim().split('\n').map(Number) as [number, number]
    assert.ok(seconds > before - 0.001 && seconds < after + 0.001, `${shown}${times}`)
  })

  test('-N ends it, at exactly so many', async () => {
    const { done } = start('capture-host', ['-e', 'sched:sched_switch,sched:sched_waking', '-N', '25'])
    const { status, stdout } = await done
    assert.equal(status, 0)
    const all = records(stdout)
    assert.equal(all.filter(({ type }) => !type).length, 25)
    assert.equal(all.at(-1).events, 25)
  })

  test('-N ends it in good order, wherever between two clock records that is', async () => {
    const all: ReturnType<typeof start>[] = []
    for (let i = 0; i < 8; i++) {
      all.push(start('capture-host', ['-q', '-e', `${exec}/filename == "/bin/true"/`, '-N', '1']))
      await setTimeout(40)
    }
    await setTimeout(3000)
    execFileSync('/bin/true')
    for (const { done } of all) {
      const { status, stderr } = await done
      assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
    }
  })

  test('times never go backwards, over all CPUs, and a clock record promises right', async (t) => {
    const load = spawn('bash', ['-c', 'while :; do /bin/true; done'], { stdio: 'ignore' })
    t.after(() => load.kill())
    const { done } = start('capture-host', ['-e', 'sched:*', '-d', '2s'])
    const all = records((await done).stdout).filter(({ type }) => !type || type === 'clock')
    assert.ok(all.length > 1000)
    assert.ok(new Set(all.map(({ cpu }) => cpu)).size > 1)
    for (let i = 1; i < all.length; i++) assert.ok(BigInt(all[i].tsc) >= BigInt(all[i - 1].tsc), JSON.stringify(all[i]))
  })

  test('--pid and --cpu; the reader itself is not in it', async (t) => {
    const load = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1'], { stdio: 'ignore' })
    t.after(() => load.kill())
    const { done, child } = start('capture-host', [
      '-e',
      'raw_syscalls:sys_enter',
      '--pid',
      String(load.pid),
      '-N',
      '100',
    ])
    const seen = records((await done).stdout).filter(({ type }) => !type)
    assert.deepEqual([...new Set(seen.map(({ pid }) => pid))], [load.pid])
    assert.equal(seen[0].comm, 'dd')
    const whole = start('capture-host', ['-e', 'raw_syscalls:sys_enter', '--cpu', '1', '-d', '500ms'])
    const { stdout } = await whole.done
    const events = records(stdout).filter(({ type }) => !type)
    assert.deepEqual(
      [...new Set(events.map(({ cpu }) => cpu))].filter((cpu) => cpu !== 1),
      [],
    )
    assert.equal(events.filter(({ pid }) => pid === whole.child.pid || pid === child.pid).length, 0)
  })

  test('--cpu of which the reader runs on none: clock records all the same, and nothing stays', () => {
    const { stdout, status } = shell(`taskset -c 0 capture-host -q -e sched:sched_switch --cpu 1 -d 700ms`)
    assert.equal(status, 0)
    const all = records(stdout)
    assert.ok(all.filter(({ type }) => type === 'clock').length >= 3)
    assert.deepEqual([...new Set(all.filter(({ type }) => !type).map(({ cpu }) => cpu))], [1])
  })

  test('uprobes: a function and its return, with what they fetch, under the names of perf probe', () => {
    const { stdout } = shell(
      `(sleep 1; bash -c true 1 2 3 4 5 6 7 8 9) &
       capture-host -q -p '/bin/bash:main argc=%di:s32' -p 'done=/bin/bash:main%return code=$retval:s32' -e '${exec}/filename ~ "*bash"/' -d 2s`,
    )
    const events = records(stdout).filter(({ type }) => !type)
    assert.ok(events.some(({ event, args }) => event === 'probe_bash:main' && args.argc === 12))
    assert.ok(!events.some(({ event }) => event.includes('vmpipe')))
  })

  test('a buffer too small: every lost event is counted, as the kernel counts them, and no pair spans a gap', () => {
    const dir = mkdtempSync(join(tmpdir(), 'vmpipe-'))
    const { stdout } = shell(
      `dir=${dir}; dd if=/dev/zero of=/dev/null bs=1 2>/dev/null & load=$!
       capture-host -q -e raw_syscalls:sys_enter,raw_syscalls:sys_exit --pid $load -m 64K -d 400ms >$dir/events; kill $load
       cat $dir/events; pair -q sys_enter sys_exit <$dir/events >$dir/pairs`,
    )
    const all = records(stdout)
    const lost = all.filter(({ type }) => type === 'lost')
    const end = all.find(({ type }) => type === 'end')
    assert.ok(lost.length > 3, `${lost.length} losses`)
    assert.equal(
      lost.reduce((sum, { count }) => sum + count, 0),
      end.lost,
    )
    // one thread: an exit belongs to the enter right before it, unless something may be missing between them
    const expected: string[] = []
    let open: bigint | undefined
    for (const { event, tsc } of all.filter(({ type }) => !type)) {
      const time = BigInt(tsc)
      const start = open
      open = event.endsWith('enter') ? time : undefined
      if (start === undefined || open !== undefined) continue
      if (lost.every(({ from = 0, to }) => time <= BigInt(from) || start >= BigInt(to)))
        expected.push(`${start} ${time}`)
    }
    const pairs = records(readFileSync(join(dir, 'pairs'), 'utf8')).filter(({ type }) => type === 'pair')
    rmSync(dir, { recursive: true })
    assert.ok(expected.length > 100)
    assert.deepEqual(new Set(pairs.map(({ start_tsc, end_tsc }) => `${start_tsc} ${end_tsc}`)), new Set(expected))
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    test(`${signal}: the end is written, and nothing stays`, async () => {
      const { child, done } = await capturing(['-e', exec, '-p', '/bin/bash:main'])
      const asked = Date.now()
      child.kill(signal)
      const { stdout } = await done
      assert.ok(Date.now() - asked < 5000)
      assert.equal(records(stdout).findLast(({ type }) => type === 'end')?.type, 'end')
    })

  test('a closed pipe is quiet, and nothing stays', () => {
    const { status, stderr } = shell(
      `exec 2>err; capture-host -e 'sched:*' | head -1 >/dev/null; cat err >&2; s=\${PIPESTATUS[0]}; rm err; exit $s`,
    )
    assert.equal(status, 0)
    assert.equal(stderr, '')
  })

  test('what a killed run left is removed by the next, and only that', async () => {
    const killed = await capturing(['-e', exec, '-p', '/bin/bash:main'])
    const living = await capturing(['-e', exec])
    killed.child.kill('SIGKILL')
    await killed.done
    assert.equal(leftBehind().length, 3)
    const { done } = start('capture-host', ['-e', exec, '-d', '100ms'])
    assert.equal((await done).status, 0)
    assert.equal(leftBehind().length, 1)
    living.child.kill('SIGTERM')
    assert.equal((await living.done).status, 143)
  })

  test('the instance is private: nobody else is switched on', async () => {
    const before = readFileSync(join(tracefs(), 'set_event'), 'utf8')
    const { child, done } = await capturing(['-e', 'sched:*'])
    assert.equal(readFileSync(join(tracefs(), 'set_event'), 'utf8'), before)
    assert.equal(readFileSync(join(tracefs(), 'events/sched/enable'), 'utf8').trim(), '0')
    child.kill()
    await done
  })

  const refused: [string, string[], RegExp, number][] = [
    ['no such event', ['-e', 'no:such'], /^capture-host: no event no:such: /, 1],
    [
      'a bad filter',
      ['-e', `${exec}/foo==1/`],
      /^capture-host: sched:sched_process_exec: filter foo==1: Field not found$/,
      1,
    ],
    ['no such function', ['-p', '/bin/bash:nosuch'], /^capture-host: -p .*: \/bin\/bash has no function nosuch/, 1],
    ['no program', ['-p', '/etc/passwd:main'], /^capture-host: -p .*: \/etc\/passwd is no ELF file$/, 1],
    ['a bad fetch', ['-p', '/bin/bash:main x=%zz'], /^capture-host: -p .*: Invalid register name$/, 1],
    ['no such clock', ['-e', exec, '--clock', 'sun'], /^capture-host: --clock sun: this kernel has /, 1],
    [
      'a clock of ticks',
      ['-e', exec, '--clock', 'uptime'],
      /^capture-host: --clock uptime: does not count nanoseconds/,
      1,
    ],
    ['no such CPU', ['-e', exec, '--cpu', '9999'], /^capture-host: --cpu 9999: this machine has no such CPU$/, 1],
    ['a good event before a bad one', ['-e', exec, '-e', 'no:such'], /^capture-host: no event no:such: /, 1],
  ]
  for (const [what, args, message, status] of refused)
    test(`${what}: one clear line`, async () => {
      const ran = await start('capture-host', args).done
      assert.match(ran.stderr.trimEnd(), message)
      assert.equal(ran.stderr.trimEnd().split('\n').length, 1)
      assert.equal(ran.status, status)
      assert.equal(ran.stdout, '')
    })

  test('not root: one clear line', () => {
    const { stderr, status } = spawnSync(process.execPath, [join(bin, 'capture-host'), '-e', exec], {
      uid: 65534,
      encoding: 'utf8',
    })
    assert.match(stderr, /^capture-host: tracing needs root.*\n$/)
    assert.equal(status, 1)
  })

  test('no tracefs: one clear line that says what to do', () => {
    const { status, stderr } = shell(
      `unshare -m bash -c 'umount -a -t tracefs; umount -a -t debugfs; capture-host -e ${exec} -d 100ms'`,
    )
    assert.equal(stderr, 'capture-host: no tracefs here: mount -t tracefs nodev /sys/kernel/tracing\n')
    assert.equal(status, 1)
  })
})
