/**
 * The decoder against the kernel's own rendering, live: one instance of this machine's tracefs, stopped, dumped as
 * text and as raw pages. Every `name=value` of the text that is a field of the event must be that field's value.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseFormat } from '../../lib/kernel/format.js'
import { learnFormat } from '../../lib/kernel/program.js'
import { ALL, openRings } from '../../lib/kernel/rings.js'
import { functionOffset } from '../../lib/tracefs/elf.js'
import { cpusOf, openReader } from '../../lib/tracefs/reader.js'
import { threads } from '../../lib/tracefs/threads.js'
import { add, directories, tracefs } from '../../lib/tracefs/tracefs.js'
import { RecordView } from '../../lib/wire/record.js'
import type { Event } from '../support/pages.js'
import { cannotTrace, testInstance } from '../support/tracing.js'

const wanted = [
  'sched/sched_switch',
  'sched/sched_waking',
  'sched/sched_process_fork',
  'sched/sched_process_exec',
  'irq/softirq_entry',
  'irq_vectors/local_timer_entry',
  'timer/hrtimer_start',
  'block/block_rq_issue',
  'net/net_dev_queue',
  'net/netif_rx',
  'skb/consume_skb',
  'syscalls/sys_enter_openat',
  'syscalls/sys_exit_openat',
  'raw_syscalls/sys_enter',
  'kmem/mm_page_alloc',
]

/** Names that the text has for what the record holds as a number (or in other units): not compared. */
const words = new Set([
  'prev_state',
  'state',
  'ret',
  'gfp_flags',
  'order',
  'function',
  'mode',
  'softexpires',
  'reason',
  'action',
  'migratetype',
  'location',
  'pfn',
  'page',
  'dev',
])

const why = cannotTrace()

describe('the decoder and the kernel say the same', { skip: why }, () => {
  const group = `vmpipe_test_${process.pid}`
  const probe = `${group}/args`
  const events: Event[] = []
  let lines: string[] = []

  before(async () => {
    const root = tracefs()
    const uprobes = join(root, 'uprobe_events')
    const main = functionOffset('/bin/bash', 'main')
    add(
      uprobes,
      `p:${probe} /bin/bash:0x${main.toString(16)} argc=%di:s32 wide=%di:x64 low=%di:u8 bits=%sp:b3@2/32 neg=\\-5:s64 name=+0(+0(%si)):string bytes=+0(%sp):u8[4] longs=+0(%sp):u64[3]`,
      'probe',
    )
    const instance = testInstance('decode')
    try {
      instance.set('trace_clock', 'x86-tsc')
      instance.set('buffer_size_kb', '8192')
      for (const event of wanted) instance.set(`events/${event}/enable`, '1')
      instance.set(`events/${probe}/enable`, '1')
      instance.set('trace_marker', 'hello "wörld" \\ end')
      execFileSync('bash', ['-c', 'ls /proc > /dev/null; (echo x > /dev/udp/127.0.0.1/9) ; sync; bash -c true'])
      await sleep(50)
      instance.set('tracing_on', '0')
      lines = readFileSync(join(instance.path, 'trace'), 'utf8').split('\n')
      events.push(...decode(root, instance.path))
      for (const event of [...wanted, probe]) instance.set(`events/${event}/enable`, '0')
    } finally {
      instance.remove()
      add(uprobes, `-:${probe}`, 'probe')
    }
  })

  function decode(root: string, instance: string): Event[] {
    for (const event of [
      ...wanted,
      probe,
      ...directories(join(root, 'events/ftrace')).map((name) => `ftrace/${name}`),
    ]) {
      const [system = ''] = event.split('/')
      learnFormat(system, parseFormat(readFileSync(join(root, 'events', event, 'format'), 'utf8')), 'host')
    }
    const found: Event[] = []
    const view = new RecordView()
    const cpus = cpusOf(instance)
    const rings = openRings({
      cpus,
      pageSize: 4096,
      depth: 4096,
      src: 'host',
      cycles: true,
      thread: threads(root, false).tell,
      format: (id) => assert.fail(`event ${id}`),
      row(row) {
        view.row = row
        found.push(JSON.parse(view.line))
      },
      note: () => assert.fail('a note'),
    })
    const reader = openReader(
      cpus.map((cpu) => ({ lane: cpu, instance, cpu })),
      4096,
      4096,
    )
    while (reader.round(rings).more);
    rings.merge(ALL)
    reader.close()
    return found
  }

  const text = () =>
    lines
      .map((line) => /^\s*(.*)-(\d+)\s+\[(\d{3})\] (\S{5}) +(\d+): (\w+)(: |\(| -> )(.*)$/.exec(line))
      .filter((parts) => parts !== null)

  test('the same events, in the same order, at the same cycle', () => {
    const printed = text().map(([, , pid, cpu, flags, tsc, name, sign]) => [
      Number(pid),
      Number(cpu),
      flags,
      tsc,
      nameOf(name as string, sign as string),
    ])
    const decoded = events.map(({ pid, cpu, flags, tsc, event }) => [pid, cpu, flags, tsc, event.split(':')[1]])
    assert.ok(printed.length > 300, `${printed.length} events`)
    assert.deepEqual(decoded, printed)
  })

  test('every field that the text names', () => {
    const compared = new Map<string, number>()
    for (const [i, parts] of text().entries()) {
      const { event, args } = events[i] as Event
      for (const [, name = '', value = ''] of (parts[8] ?? '').matchAll(/(\w+)=("[^"]*"|\{[^}]*\}|\S+)/g)) {
        // a pointer is hashed when it is printed
        if (!(name in args) || words.has(name) || /^[0-9a-f]{16}$/.test(value)) continue
        assert.ok(
          same(value, args[name]),
          `${event}: ${name}: the kernel says ${value}, we ${JSON.stringify(args[name])}`,
        )
        compared.set(event, (compared.get(event) ?? 0) + 1)
      }
    }
    for (const event of [
      'sched:sched_switch',
      'sched:sched_waking',
      'sched:sched_process_fork',
      'sched:sched_process_exec',
      'net:net_dev_queue',
      'irq:softirq_entry',
      `${group}:args`,
    ])
      assert.ok((compared.get(event) ?? 0) > 0, `${event} occurred and was compared`)
  })

  test('what a system call was given, and text written to trace_marker', () => {
    const [enter, line] = pick('syscalls:sys_enter_openat', /openat\(|sys_openat/)
    const hex = /dfd: (?:0x)?([0-9a-f]+), filename: (?:0x)?([0-9a-f]+)/.exec(line)
    assert.ok(hex, line)
    assert.equal(BigInt(`0x${hex[1]}`) & 0xffffffffn, BigInt.asUintN(32, BigInt(enter.args.dfd as string)))
    assert.equal(BigInt(`0x${hex[2]}`), BigInt(enter.args.filename as string))
    const [raw, rawLine] = pick('raw_syscalls:sys_enter', / NR /)
    const numbers = /NR (\d+) \((.*)\)/.exec(rawLine)
    assert.equal(raw.args.id, numbers?.[1])
    assert.deepEqual(
      (raw.args.args as string[]).map((n) => BigInt(n).toString(16)),
      numbers?.[2]?.split(', '),
    )
    assert.equal(pick('ftrace:print', /tracing_mark_write/)[0].args.buf, 'hello "wörld" \\ end')
  })

  function pick(event: string, pattern: RegExp): [Event, string] {
    const i = text().findIndex((parts, at) => events[at]?.event === event && pattern.test(parts[0]))
    assert.ok(i >= 0, event)
    return [events[i] as Event, text()[i]?.[0] as string]
  }
})

/** `sys_openat(dfd: …`, `sys_openat -> 0x3`, `sys_enter: NR 257`: the text has other names for system calls. */
function nameOf(printed: string, sign: string): string {
  if (printed === 'tracing_mark_write') return 'print'
  if (sign === ' -> ') return printed.replace(/^sys_/, 'sys_exit_')
  return printed.startsWith('sys_') && printed !== 'sys_enter' ? printed.replace(/^sys_/, 'sys_enter_') : printed
}

/** `26`, `026`, `0x1a`, `1a`, `"bash"`, `{1,2}` of the text, and what the record holds. */
function same(text: string, value: unknown): boolean {
  if (Array.isArray(value)) return text === `{${value.join(',')}}`
  const plain = text.replace(/^"|"$/g, '')
  // a comm may have blanks
  if (plain === value || (typeof value === 'string' && plain === value.split(' ')[0])) return true
  if (!/^-?(0x[0-9a-f]+|\d+)$/.test(plain)) return false
  const [sign, digits] = plain.startsWith('-') ? [-1n, plain.slice(1)] : [1n, plain]
  const said = sign * BigInt(/^0\d/.test(digits) ? digits.replace(/^0+(?=\d)/, '') : digits)
  return BigInt.asUintN(64, said) === BigInt.asUintN(64, BigInt(value as string))
}
