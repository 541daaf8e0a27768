/** Trace text: heads and comms of every format, losses, stacks, and that no bytes make anything but JSON. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type TextFormat, textFormats } from '../../lib/text/detect.js'
import { parseLine, parseText } from '../support/text.js'

describe('heads', () => {
  const cases: [TextFormat, string, Record<string, unknown>][] = [
    [
      'ftrace',
      '       CPU 0/KVM-176     [001] d..1. 95724787275: kvm_entry: vcpu 0, rip 0x10',
      { tsc: '95724787275', cpu: 1, pid: 176, comm: 'CPU 0/KVM', flags: 'd..1.' },
    ],
    [
      'ftrace',
      '          <idle>-0       [000]   119.363983: e: ',
      { ts: '119363983000', cpu: 0, pid: 0, comm: '<idle>', flags: undefined },
    ],
    [
      'ftrace',
      '           <...>-482     [000] ..... 18446744073709551615: e: ',
      { tsc: '18446744073709551615', pid: 482, comm: undefined },
    ],
    [
      'ftrace',
      '          extras-458     (    457) [001] d..2. 323762963435: e: ',
      { tsc: '323762963435', cpu: 1, pid: 458, comm: 'extras', flags: 'd..2.' },
    ],
    [
      'ftrace',
      '          <idle>-0       (-------) [000] d..2. 3: e: ',
      { tsc: '3', cpu: 0, pid: 0, comm: '<idle>', flags: 'd..2.' },
    ],
    [
      'ftrace',
      'rcu_pree-15        0d..2. 59114575: e: ',
      { tsc: '59114575', cpu: 0, pid: 15, comm: 'rcu_pree', flags: 'd..2.' },
    ],
    // ftrace_dump_on_oops: the kernel's log
    [
      'ftrace',
      '[   12.345678]   <idle>-0         0d..2. 12345678us : e: ',
      { ts: '12345678000', cpu: 0, pid: 0, comm: '<idle>', flags: 'd..2.' },
    ],
    [
      'ftrace',
      '[   12.345679][   T12]    [1] b-12        1d..2. 12345679us : e: ',
      { ts: '12345679000', cpu: 1, pid: 12, comm: '[1] b' },
    ],
    [
      'ftrace',
      '[   12.345679]            [1] b-12      [001] d..2.   12.345679: e: ',
      { ts: '12345679000', cpu: 1, pid: 12, comm: '[1] b' },
    ],
    ['ftrace', '           [1] b-12      [001] d..2.   12.345679: e: ', { cpu: 1, pid: 12, comm: '[1] b' }],
    // a real-time kernel has seven flags, and a depth may have two digits
    [
      'ftrace',
      '          <idle>-0       [000] dN.h12..  12.345678: e: ',
      { ts: '12345678000', cpu: 0, pid: 0, comm: '<idle>', flags: 'dN.h12..' },
    ],
    ['ftrace', '  <idle>-0       0d..h2..    1us : e: ', { ts: '1000', cpu: 0, comm: '<idle>', flags: 'd..h2..' }],
    ['ftrace', 'rcu_pree-15      112d..2.   12us+: e: ', { ts: '12000', cpu: 112, flags: 'd..2.' }],
    ['ftrace', 'rcu_pree-15        1d..2.   12us : e: ', { ts: '12000', cpu: 1, flags: 'd..2.' }],
    [
      'trace-cmd',
      '           sleep-307   [000]322335930211: e:          ',
      { tsc: '322335930211', cpu: 0, pid: 307, comm: 'sleep', flags: undefined },
    ],
    [
      'trace-cmd',
      '   sleep-307     0d.s3.322335930211: e:         ',
      { tsc: '322335930211', cpu: 0, pid: 307, comm: 'sleep', flags: 'd.s3.' },
    ],
    ['trace-cmd', '   sleep-307     0.....322335930211: e:         ', { tsc: '322335930211', cpu: 0, flags: '.....' }],
    [
      'trace-cmd',
      '     kworker/1:0-31764 [001] 1212277.097055: function:             irqfd_inject',
      {
        ts: '1212277097055000',
        cpu: 1,
        pid: 31764,
        comm: 'kworker/1:0',
        event: 'function',
        args: { ip: 'irqfd_inject' },
      },
    ],
    [
      'trace-cmd',
      '           <...>-9914  [000] 47011.090992969: (+3502)  irq_handler_exit:     irq=26 ret=handled',
      { ts: '47011090992969', pid: 9914, event: 'irq_handler_exit', args: { irq: 26, ret: 'handled' } },
    ],
    [
      'trace-cmd',
      '         load.sh-9914  [001] 1.000001: sched_switch:         load.sh:9914 [120] X ==> a:9911 [120] Latency: 3.193 usecs',
      {
        args: {
          prev_comm: 'load.sh',
          prev_pid: 9914,
          prev_prio: 120,
          prev_state: 'X',
          next_comm: 'a',
          next_pid: 9911,
          next_prio: 120,
        },
      },
    ],
    ['trace-cmd', 'trace-vm1.dat:   sleep-307 [001] 1.000001: e:   ', { ts: '1000001000', src: 'vm1', comm: 'sleep' }],
    ['trace-cmd', '    trace.dat:   sleep-307 [001] 1.000001: e:   ', { ts: '1000001000', src: 'host', comm: 'sleep' }],
    [
      'perf-script',
      '       CPU 0/KVM   162 [000]    61.116808:                            kvm:kvm_inj_virq: IRQ 0xec',
      { ts: '61116808000', cpu: 0, pid: 162, comm: 'CPU 0/KVM', event: 'kvm:kvm_inj_virq' },
    ],
    [
      'perf-script',
      '       vhost-152   159/160   [010]    29.103130397:          1 cycles:u: ',
      { ts: '29103130397', cpu: 10, pid: 160, comm: 'vhost-152', event: 'cycles:u' },
    ],
    [
      'perf-script',
      '            perf 10293 [000] K     47687.114746422:          1           sched:sched_wakeup: pid=18',
      { ts: '47687114746422', cpu: 0, pid: 10293, comm: 'perf', event: 'sched:sched_wakeup', args: { pid: 18 } },
    ],
    [
      'perf-script',
      '             :-1 10294/-1    [001] 47687.114746422: cpu-clock: ',
      { cpu: 1, pid: undefined, comm: undefined, event: 'cpu-clock' },
    ],
    ['perf-script', '             :-1    -1 [001] 47687.1147464: e: ', { cpu: 1, pid: undefined, comm: undefined }],
    [
      'perf-script',
      '      12.345678: 47687.369453010: sched:sched_process_free: comm=a pid=18 prio=120',
      { ts: '47687369453010', comm: '12.345678:', event: 'sched:sched_process_free' },
    ],
    [
      'perf-script',
      '      12.345678: [001] 47687.369453010: sched:sched_process_free: comm=a pid=18 prio=120',
      { ts: '47687369453010', cpu: 1, comm: '12.345678:', event: 'sched:sched_process_free' },
    ],
    [
      'ftrace',
      ' -1 [000] 5.5: e-26202   [001] d..2. 46735.394617: irq_handler_exit: irq=26 ret=handled',
      { ts: '46735394617000', cpu: 1, pid: 26202, comm: '-1 [000] 5.5: e', event: 'irq_handler_exit' },
    ],
    [
      'perf-script',
      'vhost-152   159    29.103130397: e: ',
      { ts: '29103130397', cpu: undefined, pid: 159, comm: 'vhost-152' },
    ],
    // perf script -L
    ['perf-script', '    perf 12294   0 56347.138507: e: ', { cpu: 0, pid: 12294, comm: 'perf' }],
    ['perf-script', 'CPU 0/KV 1234567 112     7.138507730: e: ', { cpu: 112, pid: 1234567, comm: 'CPU 0/KV' }],
    ['perf-script', 'CPU 0/KV     296/298       1     7.138507: e: ', { cpu: 1, pid: 298, comm: 'CPU 0/KV' }],
    ['perf-script', '    perf 12653/12653 113 56348.671496: e: ', { cpu: 113, pid: 12653, comm: 'perf' }],
    ['perf-script', '    perf    18/19      0 56348.671496: e: ', { cpu: 0, pid: 19, comm: 'perf' }],
    ['perf-script', '    perf      18   0 56348.671496: e: ', { cpu: 0, pid: 18, comm: 'perf' }],
    ['perf-script', '         CPU 0 1     296     7.138507: e: ', { cpu: undefined, pid: 296, comm: 'CPU 0 1' }],
    // -F +tod
    [
      'perf-script',
      '            perf 29989 [001] 2026-11-23 09:18:26.896724 56931.418232: e: ',
      { ts: '56931418232000', cpu: 1, pid: 29989, comm: 'perf' },
    ],
    [
      'perf-script',
      'perf 29989 2026-11-23 09:18:26.896724301 56931.418232212: e: ',
      { ts: '56931418232212', cpu: undefined, pid: 29989, comm: 'perf' },
    ],
    // -F +machine_pid,+vcpu
    [
      'perf-script',
      'VM: 4788 VCPU:001        CPU 0/KVM   296 [000]     7.138507: e: ',
      { src: 'guest-4788', cpu: 1, pid: 296, comm: 'CPU 0/KVM' },
    ],
    [
      'perf-script',
      'VM:147880 a   296 [000]     7.138507: e: ',
      { src: 'guest-147880', cpu: undefined, pid: 296, comm: 'a' },
    ],
    ['perf-script', 'VCPU:112 a   296 [000]     7.138507: e: ', { src: 'guest', cpu: 112, pid: 296, comm: 'a' }],
    ['perf-script', 'VCPU:x  296 [000]     7.138507: e: ', { src: 'host', cpu: 0, pid: 296, comm: 'VCPU:x' }],
    ['perf-script', '   159 [001]    29.103130: e: ', { cpu: 1, pid: 159, comm: undefined }],
    ['perf-script', 'a b [001]    29.103130: e: ', { cpu: 1, pid: undefined, comm: 'a b' }],
    ['perf-script', '           :1234  1234 [001]    29.103130: e: ', { pid: 1234, comm: undefined }],
    ['perf-script', '         swapper    -1 [001]    29.103130: e: ', { pid: undefined, comm: 'swapper' }],
    ['perf-script', 'conn 1.5: x   500 [001]    29.103130: e: ', { pid: 500, comm: 'conn 1.5: x' }],
    [
      'perf-prof',
      '2023-04-12 13:47:26.370747 G           <idle>      0 d.h. [077] 186430.038050: irq:e: ',
      { ts: '186430038050000', src: 'guest', cpu: 77, pid: 0, comm: '<idle>', flags: 'd.h.' },
    ],
    [
      'perf-prof',
      '2023-04-12 15:38:45.754019       worker3_1.95  26027 d... [095] 203124.373091: kvm:e: ',
      { src: 'host', cpu: 95, pid: 26027, comm: 'worker3_1.95', flags: 'd...' },
    ],
  ]
  for (const [format, line, expected] of cases)
    test(line.trim().slice(0, 70), async () => {
      const event = await parseLine(line, format)
      for (const [name, value] of Object.entries(expected)) assert.deepEqual(event[name], value, name)
    })
})

describe('comms', () => {
  const comms = [
    'vhost-289',
    'w [001] y',
    '12-34',
    '==> next_com',
    'CPU:1 [LOST 9',
    'tab\tx',
    'é€',
    'k=v pid=9',
    'p) (q',
    'x-1',
    '<idle>-0',
    '"quoted\\"',
    'a 1: b',
    '=> frame',
    'ends ',
  ]
  const switchText = (comm: string) =>
    `prev_comm=${comm} prev_pid=7 prev_prio=120 prev_state=R+ ==> next_comm=${comm} next_pid=8 next_prio=-5`

  for (const comm of comms)
    test(`${JSON.stringify(comm)} in every place`, async () => {
      const column = `${comm.padStart(16)}-${'440'.padEnd(7)} [000] d..2. 123: sched_switch: ${switchText(comm)}`
      const event = await parseLine(column, 'ftrace')
      assert.equal(event.comm, comm)
      assert.equal(event.pid, 440)
      assert.deepEqual(event.args, {
        prev_comm: comm,
        prev_pid: 7,
        prev_prio: 120,
        prev_state: 'R+',
        next_comm: comm,
        next_pid: 8,
        next_prio: -5,
      })
      const report = `${comm.padStart(16)}-440   [000]123: sched_wakeup:         ${comm}:9 [120] CPU:026`
      assert.deepEqual((await parseLine(report, 'trace-cmd')).args, { comm, pid: 9, prio: 120, target_cpu: 26 })
      const script = `${comm.padStart(16)}   440 [000]     1.000123: sched:sched_switch: ${switchText(comm)}`
      const perf = await parseLine(script, 'perf-script')
      assert.equal(perf.comm, comm.trimEnd())
      assert.equal(perf.args.next_comm, comm)
    })

  test('bytes that are not UTF-8 become U+FFFD and are counted', async () => {
    const line = Buffer.from('   a\xff\xe9b-1  [000] ..... 7: foo: a=\xff\n', 'latin1')
    const { records, counts } = await parseText(line, 'ftrace')
    assert.equal(records[0].comm, 'a\ufffd\ufffdb')
    assert.deepEqual(records[0].args, { a: '\ufffd' })
    assert.equal(counts.not_utf8, 1)
  })

  test('and once, however often a stack that comes in pieces is looked at', async () => {
    const text = Buffer.from('a 1 [000] 1.000001: e: \n\tffff \xff\n\tffff g\n\n', 'latin1')
    for (const pieces of [[1 << 20], [1], [3, 1]]) {
      const { counts } = await parseText(text, 'perf-script', { pieces })
      assert.equal(counts.not_utf8, 1, String(pieces))
    }
  })

  test("ftrace's text behind perf's is none of perf's", async () => {
    const text = '  perf 18 [000] 5.000001: a:b: x=1\n  load.sh-7852 [001] d..2. 56.330778: sched_switch: x=1\n'
    const { records, bad } = await parseText(text, 'perf-script')
    assert.deepEqual([records.length, bad.length], [1, 1])
  })

  test('a pid that the wire format has no room for is told', async () => {
    const line = (pid: string) => `          <idle>-${pid}  [000] ..... 7: foo: a=1\n`
    for (const [pid, wrong] of [
      ['2147483646', 0],
      ['2147483647', 1],
      ['4294967295', 1],
    ] as const) {
      const { records, bad } = await parseText(line(pid), 'ftrace')
      assert.deepEqual([records.length, bad.length], [1 - wrong, wrong], pid)
    }
  })
})

describe('the function tracer', () => {
  const head = '              sh-227     [000] .....    11.925570: '

  test('without print-parent a line is the name alone', async () => {
    const text = `# tracer: function\n#\n${head}vfs_open\n${head}vfs_read\n`
    const { records, bad } = await parseText(text, 'ftrace')
    assert.deepEqual(bad, [])
    assert.deepEqual(
      records.map(({ event, args }) => [event, args]),
      [
        ['function', { ip: 'vfs_open' }],
        ['function', { ip: 'vfs_read' }],
      ],
    )
  })

  test('but a line that was cut is none', async () => {
    for (const text of [
      `${head}vfs_op`,
      `# tracer: nop\n${head}vfs_op`,
      `# tracer: function\n${head}a <-b\n${head}vfs_op`,
    ]) {
      const { bad } = await parseText(text, 'ftrace')
      assert.equal(bad.length, 1, text)
    }
  })
})

describe('losses', () => {
  const event = (cpu: number, time: number) => `          <idle>-0       [00${cpu}] d..2. ${time}: e: `

  test('a loss is told between the events of its CPU', async () => {
    const text = [event(1, 10), event(0, 20), 'CPU:1 [LOST 2329 EVENTS]', event(0, 30), event(1, 40), ''].join('\n')
    const { records } = await parseText(text, 'ftrace')
    assert.deepEqual(records.slice(3), [
      { type: 'lost', src: 'host', cpu: 1, count: 2329, from: '10', to: '40' },
      { ...records[4] },
    ])
    assert.equal(records[4].tsc, '40')
  })

  test('before the first event and after the last a time is missing', async () => {
    const text = ['CPU:0 [LOST 1 EVENTS]', event(0, 5), 'CPU:0 [LOST 2 EVENTS]', 'CPU:3 [LOST EVENTS]', ''].join('\n')
    const { records } = await parseText(text, 'ftrace')
    assert.deepEqual(records[0], { type: 'lost', src: 'host', cpu: 0, count: 1, to: '5' })
    assert.deepEqual(records[2], { type: 'lost', src: 'host', cpu: 0, count: 2, from: '5' })
    assert.deepEqual(records[3], { type: 'lost', src: 'host', cpu: 3 })
  })

  test('trace-cmd and perf say it in their own ways', async () => {
    const report = ['a-1 [001] 1.000001: e: ', 'CPU:1 [120 EVENTS DROPPED]', 'a-1 [001] 1.000002: e: ', ''].join('\n')
    const lost = { type: 'lost', src: 'host', cpu: 1, count: 120, from: '1000001000', to: '1000002000' }
    assert.deepEqual((await parseText(report, 'trace-cmd')).records[1], lost)
    const script = [
      'a     1 [001]     1.000001: e: ',
      'a     1 [001]     1.000001: PERF_RECORD_LOST lost 120',
      'a     1 [001]     1.000002: e: ',
      '',
    ].join('\n')
    assert.deepEqual((await parseText(script, 'perf-script')).records[1], lost)
  })

  test("in the kernel's log", async () => {
    const text = '[    1.000001] CPU:1 [LOST 120 EVENTS]\n[    1.000001]        a-1         1d..2. 2us : e: \n'
    const { records } = await parseText(text, 'ftrace')
    assert.deepEqual(records[0], { type: 'lost', src: 'host', cpu: 1, count: 120, to: '2000' })
    assert.equal(records[1].comm, 'a')
  })

  test('counters above 2^53 stay exact', async () => {
    const far = 2n ** 63n + 1n
    const text = `a-1 [001] ..... ${far}: e: \nCPU:1 [LOST 9007199254740993 EVENTS]\na-1 [001] ..... ${far + 1n}: e: \n`
    const { records } = await parseText(text, 'ftrace')
    assert.deepEqual(records[1], {
      type: 'lost',
      src: 'host',
      cpu: 1,
      count: '9007199254740993',
      from: '9223372036854775809',
      to: '9223372036854775810',
    })
  })
})

describe('a comment of vmpipe: the text came over a channel', () => {
  test('from there on it has no say in whose its events are, however often the line stood before', async () => {
    const line = (ms: number) => `    trace-vm1.dat:      kworker/1:0-31764 [001] 1212277.${ms}: sched_waking: a=1\n`
    const text = [100, 101, 102, 0, 103, 104].map((ms) => (ms === 0 ? '# vmpipe lost count=1\n' : line(ms))).join('')
    for (const pieces of [[1 << 20], [7]]) {
      const { records } = await parseText(text, 'trace-cmd', { pieces })
      assert.deepEqual(
        records.map(({ src, type = '' }) => `${src} ${type}`),
        ['vm1 ', 'vm1 ', 'vm1 ', 'host lost', 'host ', 'host '],
      )
    }
  })
})

describe('stacks', () => {
  const head = (cpu: number, time: number, text: string) => `          <idle>-0       [00${cpu}] d..2. ${time}: ${text}`
  const ftrace = [
    head(0, 1, 'a: '),
    head(1, 2, 'b: '),
    head(1, 3, '<stack trace>'),
    ' => f1',
    ' => f2+0x1/0x2',
    head(0, 4, '<stack trace>'),
    ' => g1',
    head(0, 4, '<user stack trace>'),
    ' =>  <00007f0000000000>',
    head(0, 5, 'c: '),
    '',
  ].join('\n')
  const expected = [['g1', '<00007f0000000000>'], ['f1', 'f2+0x1/0x2'], undefined]

  test('each goes to the last event of its CPU', async () => {
    const { records, counts } = await parseText(ftrace, 'ftrace')
    assert.deepEqual(
      records.map(({ stack }) => stack),
      expected,
    )
    assert.equal(counts.stacks, 2)
    assert.equal(counts.skipped, 0)
  })

  test('wherever a read ends', async () => {
    for (let cut = 1; cut < ftrace.length; cut++) {
      const { records } = await parseText(ftrace, 'ftrace', { pieces: [cut, ftrace.length] })
      assert.deepEqual(
        records.map(({ stack }) => stack),
        expected,
        `cut after ${cut} bytes`,
      )
    }
  })

  test("trace-cmd's, with addresses", async () => {
    const text = [
      'a-1 [001] 1.000001: function:             irqfd_inject',
      'a-1 [001] 1.000002: kernel_stack:         <stack trace >',
      '=> swake_up (ffff000008129c40)',
      '=> kthread (ffff0000081003b8)',
      'a-1 [001] 1.000003: e: ',
      '',
    ].join('\n')
    const { records } = await parseText(text, 'trace-cmd')
    assert.deepEqual(records[0].stack, ['swake_up (ffff000008129c40)', 'kthread (ffff0000081003b8)'])
    assert.equal(records.length, 2)
  })

  test("perf's, closed by an empty line", async () => {
    const text = [
      'perf   285 [000]    72.952156:  sched:sched_waking: comm=a pid=16 prio=0 target_cpu=000',
      '\tffffffff9a4e19d2 try_to_wake_up+0x2d2 ([kernel.kallsyms])',
      '\t          146f2c [unknown] (/usr/bin/perf)',
      '',
      'perf   285 [000]    72.952157:  e: ',
      '',
    ].join('\n')
    const { records } = await parseText(text, 'perf-script', { pieces: [50, 7] })
    assert.deepEqual(records[0].stack, [
      'ffffffff9a4e19d2 try_to_wake_up+0x2d2 ([kernel.kallsyms])',
      '146f2c [unknown] (/usr/bin/perf)',
    ])
    assert.equal(records.length, 2)
  })

  test('trace-cmd without its plugins has the first frame behind the name', async () => {
    const head = '       trace-cmd-342   [000]    44.558455019: '
    const text = `${head}function:             vfs_read <-- ksys_read\n${head}kernel_stack:         \t=> ftrace_trampoline\n\t=> vfs_read\n\t=> 0x0\n\t=> 0x0\n${head}e: \n`
    for (const pieces of [[1 << 20], [1], [64]]) {
      const { records, bad, counts } = await parseText(text, 'trace-cmd', { pieces })
      assert.deepEqual(
        records.map(({ event, stack }) => [event, stack]),
        [
          ['function', ['ftrace_trampoline', 'vfs_read']],
          ['e', undefined],
        ],
      )
      assert.deepEqual([bad, counts.stacks], [[], 1])
    }
  })

  test('one whose event is not there is counted', async () => {
    const { counts } = await parseText(`${head(0, 4, '<stack trace>')}\n => g1\n`, 'ftrace')
    assert.equal(counts.skipped, 2)
  })
})

describe('names that are no UTF-8', () => {
  const line = (before: string, event: string) =>
    `${before}${''.padStart(9)}sleep-307   [000]  1.000001: ${event}: a=1\n`
  const read = async (text: string) => (await parseText(Buffer.from(text, 'latin1'), 'trace-cmd')).records

  test('are written with U+FFFD, and no longer than a name may be', async () => {
    const [short] = await read(line(`${'\xff'.repeat(80)}.dat: `, '\xff'.repeat(85)))
    assert.equal(short.src, '\ufffd'.repeat(80))
    assert.equal(short.event, '\ufffd'.repeat(85))
    assert.deepEqual(await read(line('', '\xff'.repeat(86))), [])
    assert.deepEqual(await read(line('', `sys_${'\xff'.repeat(90)}(a: 1)`)), [])
    assert.deepEqual(await read(line(`${'\xff'.repeat(86)}.dat: `, 'e')), [])
    // é is two bytes, and stays that
    assert.equal((await read(line('', '\xc3\xa9'.repeat(128))))[0].event, 'é'.repeat(128))
  })
})

describe('anything at all', () => {
  const formats = Object.keys(textFormats) as TextFormat[]
  const scraps = [
    '          <idle>-0       [000] d..2. 123: ',
    'perf   285 [000]    72.952156: ',
    '2023-04-12 13:47:26.370747 G   a   0 d.h. [077] 1.000001: ',
    '   sleep-307     0d.s3.322335930211: ',
    'sched_switch: ',
    'prev_comm=a prev_pid=1 prev_prio=120 prev_state=R ==> next_comm=b next_pid=2 next_prio=3',
    'kvm_exit: vcpu 1 reason msr rip 0x',
    'sys_pread64(fd: 3, buf: 7f',
    '<stack trace>',
    '=> f',
    'CPU:1 [LOST 3 EVENTS]',
    '\n',
    '\r\n',
    '=',
    '"',
    '(0x12 <- 0x34)',
    ': ',
    '# x',
  ]
  const pieceOfText = fc.oneof(
    fc.constantFrom(...scraps).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 12 }).map((some) => Buffer.from(some)),
  )
  test('every line is an event, bad, or counted; every record is JSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...formats),
        fc.array(pieceOfText, { maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (format, pieces, sizes, live) => {
          const text = Buffer.concat(pieces)
          const { lines, bad, counts } = await parseText(text, format, { pieces: sizes, live })
          const known = text.toString('latin1').split('\n').length
          assert.ok(lines.length + bad.length + counts.headers + counts.stacks <= known)
          for (const line of lines) assert.ok(!line.includes('\n'))
        },
      ),
      { numRuns: 400 },
    )
  })

  test('long lines and long stacks stay within what a reader takes', async () => {
    const text = `a-1 [001] ..... 5: foo: k=${'\x01'.repeat(60000)}\na-1 [001] ..... 6: foo: k=${'\x01'.repeat(70000)}\n`
    const { records, bad } = await parseText(text, 'ftrace')
    assert.equal(records.length, 1)
    assert.match(bad[0] as string, /^text:2: longer than 65536 bytes: /)
  })
})
