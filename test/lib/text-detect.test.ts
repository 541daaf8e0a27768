/** Which text this is: the first lines of each format, and what must not be taken for another. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nanoseconds } from '../../lib/text/chrome-json.js'
import { detect } from '../../lib/text/detect.js'
import { fieldValue } from '../../lib/text/perf-json.js'

describe('detect', () => {
  const cases: [string, ReturnType<typeof detect>][] = [
    ['# tracer: nop\n#\n          <idle>-0       [001] d..2. 340334173834: sched_switch: x\n', 'ftrace'],
    ['          <idle>-0       [001] d..2.   119.363983: sched_switch: x\n', 'ftrace'],
    ['          <idle>-0       [000]  321617889486: sched_switch: x\n', 'ftrace'],
    ['          <idle>-0       (-------) [000] d..2. 3: sched_switch: x\n', 'ftrace'],
    ['  extras-458       1d.s3. 57821012: sched_waking: x\n', 'ftrace'],
    ['CPU:1 [LOST 3 EVENTS]\n          a-1   [000] ..... 3: sys_read -> 0x3\n', 'ftrace'],
    ['    w [001] y-400     [000] d..2. 3: e: \n', 'ftrace'],
    ['          <idle>-0       [000] d..h2..  12.345678: e: x\n', 'ftrace'],
    ['cpus=2\n           sleep-307   [000] 3.000001: e: x\n', 'trace-cmd'],
    ['           sleep-307   [000]322335930211: e: x\n', 'trace-cmd'],
    ['     kworker/1:0-31764 [001] 1212277.097055: function:             irqfd_inject\n', 'trace-cmd'],
    ['trace-vm.dat:     sleep-31764 [001] 1212277.097055: function: irqfd_inject\n', 'trace-cmd'],
    ['            perf   239/239   [000]    29.101752999:     sched:sched_switch: x\n', 'perf-script'],
    ['       vhost-152   159 [000]    29.103130:   kvm:kvm_msi_set_irq: x\n', 'perf-script'],
    ['perf   285 [000]    72.952156:          1 cycles:u: \n\tffff f\n', 'perf-script'],
    ['         swapper     0 [000]     0.000000: PERF_RECORD_MMAP -1/0: x\n', 'perf-script'],
    ['2023-04-12 13:47:26.370747 G           <idle>      0 d.h. [077] 186430.038050: irq:e: x\n', 'perf-prof'],
    ['{\n\t"linux-perf-json-version": 1,\n', 'perf-json'],
    ['{"traceEvents":[{"name":"a"', 'chrome-json'],
    ['[\n{"name":"a","ph":"X","ts":1}', 'chrome-json'],
    ['# tracer: function_graph\n', 'function-graph'],
    [' 0)   3.586 us    |    eventfd_ctx_do_read();\n', 'function-graph'],
    ['# vmpipe stream version=1\n# tracer: function_graph\n', 'function-graph'],
    ['# vmpipe stream version=1\n', 'ftrace'],
    ['1m37.267113s pmd8 wakes kworker/15:1\n', 'systemtap'],
    ['# from a script\n2h0m7s pmd8\n', 'systemtap'],
    ['1m37s\n', undefined],
    ['10m tall\n', undefined],
    ['{"tsc":"1","event":"e"}\n', { refused: 'events in the wire format already' }],
    ['\x28\xb5\x2f\xfd\x24', { refused: 'compressed with zstd, which is not undone here: zstdcat does' }],
    ['\xfd7zXZ\0\0', { refused: 'compressed with xz, which is not undone here: xzcat does' }],
    ['BZh91AY&SY\n', { refused: 'compressed with bzip2, which is not undone here: bzcat does' }],
    ['\x04\x22\x4d\x18d', { refused: 'compressed with lz4, which is not undone here: lz4cat does' }],
    ['PERFILE2h\0', { refused: "perf's own file: perf script prints it, and that is read" }],
    ['\xff\xfe#\0 \0', { refused: 'UTF-16: iconv -f UTF-16 -t UTF-8 makes it readable' }],
    ['# ========\n# captured on    : Mon Nov 23 09:08:42 2026\n', 'perf-script'],
    ['hello\n', undefined],
    ['', undefined],
  ]
  for (const [text, expected] of cases)
    test(JSON.stringify(text.slice(0, 60)), () => assert.deepEqual(detect(text, true), expected))

  for (const [option, line] of [
    ['raw', '11991 1 57140910239029 type: 372'],
    ['hex', '00002ee1 00000001 000033f827a4e6ac type: 372'],
    ['bin', '\xda.\0\0\x01\0\0\0'],
    ['nocontext-info', 'sched_switch: prev_comm=bash prev_pid=12001 prev_prio=120 prev_state=S ==> next_comm=bash'],
    [
      'verbose in latency format',
      '            bash   11991   1 1 00000002 00000004 [d4ddd189f] 86.158ms (+0.003ms): sched_switch: prev_comm=bash',
    ],
  ])
    test(`ftrace's option ${option}`, () => {
      const refused = `ftrace's text with the option ${option}, which is not read: record it without`
      assert.deepEqual(detect(`# tracer: nop\n#\n${line}\n`, true), { refused })
    })

  test('a broken line behind the header refuses nothing, where good ones follow', () => {
    const good = '            bash-119     [001] d..2.    29.103130: sched_switch: prev_comm=bash'
    for (const broken of ['\0\x01\x02', 'b: c', '1 2 3 4'])
      assert.equal(detect(`# tracer: nop\n#\n${broken}\n${good}\n`, false), 'ftrace')
  })

  test('a header alone does not decide while more may come', () => {
    assert.equal(detect('cpus=2\n', false), undefined)
    assert.equal(detect('# tracer: nop\n#\n', true), 'ftrace')
  })
})

describe('values of JSON', () => {
  test('microseconds with a fraction become nanoseconds, exactly', () => {
    assert.equal(nanoseconds('12345678901234.567'), '12345678901234567')
    assert.equal(nanoseconds('1.5'), '1500')
    assert.equal(nanoseconds(7), '7000')
    assert.equal(nanoseconds('-0.25'), '-250')
    assert.equal(nanoseconds('1e3'), '1000000')
    assert.equal(nanoseconds('x'), undefined)
    assert.equal(nanoseconds(undefined), undefined)
  })

  test('fields that perf prints', () => {
    assert.equal(fieldValue('prev_pid', '15'), 15)
    assert.equal(fieldValue('prev_comm', '15a'), '15a')
    assert.equal(fieldValue('runtime', '15'), '15')
    assert.equal(fieldValue('x', '0xffffffff99617a0b'), '18446744071987886603')
    assert.equal(fieldValue('x', '-2147483649'), '-2147483649')
  })
})
