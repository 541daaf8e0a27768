/**
 * Ring-buffer pages against the kernel's own text of the same events: two CPUs of a KVM host (Debian 6.1),
 * dumped as raw pages and as text.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cut, decode, type Event, fixture, learnFormats, unzipped } from '../support/pages.js'

interface TextEvent {
  comm: string
  pid: number
  cpu: number
  flags: string
  tsc: string
  name: string
  text: string
}

const text: TextEvent[] = unzipped('text.gz')
  .toString()
  .split('\n')
  .map((line) => /^\s*(.*)-(\d+)\s+\[(\d{3})\] (\S{5}) +(\d+): (\S+): (.*)$/.exec(line))
  .filter((parts) => parts !== null)
  .map(([, comm = '', pid, cpu, flags = '', tsc = '', name = '', text = '']) => ({
    comm: comm.trimStart(),
    pid: Number(pid),
    cpu: Number(cpu),
    flags,
    tsc,
    name,
    text,
  }))

const comms = new Map(text.map(({ pid, comm }) => [pid, comm]))
learnFormats(fixture('formats.txt').toString())
const pages = new Map([0, 1].map((cpu) => [cpu, cut(unzipped(`cpu${cpu}.raw.gz`))]))
const events = decode(pages, comms) as Event[]

/** What the kernel's text of an event says of its fields, as its print fmt has it. */
const prints: Record<string, (a: Record<string, unknown>) => string> = {
  sched_waking: (a) => `comm=${a.comm} pid=${a.pid} prio=${a.prio} target_cpu=${String(a.target_cpu).padStart(3, '0')}`,
  sched_wakeup: (a) => `comm=${a.comm} pid=${a.pid} prio=${a.prio} target_cpu=${String(a.target_cpu).padStart(3, '0')}`,
  sched_stat_runtime: (a) => `comm=${a.comm} pid=${a.pid} runtime=${a.runtime} [ns] vruntime=${a.vruntime} [ns]`,
  kvm_apic_accept_irq: (a) =>
    `apicid ${Number(a.apicid).toString(16)} vec ${a.vec} (${['Fixed', 'LowPrio'][Number(a.delivery_mode) >> 8]}|${a.trig_mode ? 'level' : 'edge'})`,
  kvm_msi_set_irq: (a) =>
    `dst ${((BigInt(a.address as string) >> 12n) & 0xffn).toString(16)} vec ${Number(a.data) & 0xff} (Fixed|physical|edge)`,
  kvm_inj_virq: (a) => `${a.soft ? 'Soft/INTn' : 'IRQ'} ${hex(a.vector)}${a.reinjected ? ' [reinjected]' : ''}`,
  kvm_entry: (a) => `vcpu ${a.vcpu_id}, rip ${hex(a.rip)}`,
  kvm_eoi: (a) => `apicid ${Number(a.apicid).toString(16)} vector ${a.vector}`,
  kvm_exit: (a) =>
    `vcpu ${a.vcpu_id} reason ${reasons[Number(a.exit_reason)]} rip ${hex(a.guest_rip)} info1 ${hex(a.info1, 16)} info2 ${hex(a.info2, 16)} intr_info ${hex(a.intr_info, 8)} error_code ${hex(a.error_code, 8)}`,
  tracing_mark_write: (a) => String(a.buf),
  sched_switch: (a) =>
    `prev_comm=${a.prev_comm} prev_pid=${a.prev_pid} prev_prio=${a.prev_prio} prev_state=${state(BigInt(a.prev_state as string))} ==> next_comm=${a.next_comm} next_pid=${a.next_pid} next_prio=${a.next_prio}`,
}

/** SVM_EXIT_REASONS (arch/x86/include/uapi/asm/svm.h), those that occur here. */
const reasons: Record<number, string> = {
  96: 'interrupt',
  120: 'hlt',
  100: 'vintr',
  124: 'msr',
  1024: 'npf',
  123: 'io',
  114: 'cpuid',
}

function hex(value: unknown, width = 0): string {
  return `0x${BigInt(value as string | number)
    .toString(16)
    .padStart(width, '0')}`
}

function state(n: bigint): string {
  const letters = [...'SDTtXZPI'].filter((_, i) => n & (1n << BigInt(i)))
  return (letters.join('|') || 'R') + (n & 256n ? '+' : '')
}

describe('pages of a ring buffer', () => {
  test('every event of the text, in its order, with its time, thread, flags and fields', () => {
    assert.equal(events.length, text.length)
    for (const [i, event] of events.entries()) {
      const { name, text: printed, comm: printedComm, ...head } = text[i] as TextEvent
      const { tsc, cpu, pid, comm, flags } = event
      assert.deepEqual({ pid, cpu, flags, tsc }, head)
      // the text has the comm of when it was printed; an exec between is seen in sched events only
      assert.ok(comm === printedComm || (comm === 'extras' && printedComm === 'sleep'), comm)
      assert.equal(event.event.replace('ftrace:print', ':tracing_mark_write').split(':')[1], name)
      const print = prints[name]
      assert.ok(print, name)
      assert.equal(print(event.args), printed.trimEnd())
    }
  })

  test('a page that says events were missed is a loss, with its count, between the events around it', () => {
    const [first, second, ...rest] = pages.get(0) as Buffer[]
    const marked = Buffer.from(second as Buffer)
    const length = marked.readUInt32LE(8)
    marked.writeUInt32LE((length | 0xc0000000) >>> 0, 8)
    marked.writeBigUInt64LE(1234n, 16 + length)
    const told = decode(new Map([[0, [first as Buffer, marked, ...rest]]]), comms) as (Event & { type?: string })[]
    const at = told.findIndex(({ type }) => type === 'lost')
    const before = told[at - 1] as Event
    const after = told[at + 1] as Event
    assert.deepEqual(told[at], { type: 'lost', src: 'host', cpu: 0, count: 1234, from: before.tsc, to: after.tsc })
    assert.equal(told.length, text.filter(({ cpu }) => cpu === 0).length + 1)
  })

  test('a page that breaks off is a loss of unknown size, and the next page is read', () => {
    const [first, second, ...rest] = pages.get(0) as Buffer[]
    const broken = Buffer.from(first as Buffer)
    // a record said to be longer than its page
    broken.writeUInt32LE(0, 16)
    broken.writeUInt32LE(1 << 30, 20)
    const told = decode(new Map([[0, [broken, second as Buffer, ...rest]]]), comms) as {
      type?: string
      count?: number
    }[]
    assert.equal(told[0]?.type, 'lost')
    assert.equal(told[0]?.count, undefined)
    assert.ok(told.length > 100)
  })

  test('what is missing behind the last event is told as well', () => {
    const [first] = pages.get(0) as Buffer[]
    const whole = decode(new Map([[0, [first as Buffer]]]), comms) as Event[]
    const broken = Buffer.from(first as Buffer)
    // the last record passes the end
    broken.writeUInt32LE(broken.readUInt32LE(8) - 4, 8)
    const told = decode(new Map([[0, [broken]]]), comms) as (Event & { type?: string; from?: string })[]
    const last = told.at(-2) as Event
    assert.deepEqual(told.at(-1), { type: 'lost', src: 'host', cpu: 0, from: last.tsc })
    assert.equal(told.length, whole.length)
  })

  test('counts of losses that cannot be are not believed, nor is a pid', () => {
    const [first, second] = pages.get(0) as [Buffer, Buffer]
    const counted = (count: bigint) => {
      const page = Buffer.from(second)
      const length = page.readUInt32LE(8)
      page.writeUInt32LE((length | 0xc0000000) >>> 0, 8)
      page.writeBigUInt64LE(count, 16 + length)
      return page
    }
    for (const count of [1n << 53n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n]) {
      const told = decode(new Map([[0, [first, counted(count)]]]), comms) as { type?: string; count?: number }[]
      assert.equal(told.find(({ type }) => type === 'lost')?.count, undefined, `${count}`)
    }
    const odd = Buffer.from(first)
    odd.writeUInt32LE(0x7fffffff, 16 + 4 + 4)
    assert.deepEqual(decode(new Map([[0, [odd]]]), comms), [{ type: 'lost', src: 'host', cpu: 0 }])
  })

  test('bytes of any kind end in no crash', () => {
    let seed = 1
    for (let run = 0; run < 300; run++) {
      const page = Buffer.from((pages.get(0) as Buffer[])[run % 10] as Buffer)
      for (let i = 0; i < 40; i++) {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff
        page[8 + (seed % 4088)] = seed >> 16
      }
      for (const record of decode(new Map([[0, [page]]]), comms)) assert.equal(typeof record, 'object')
    }
  })
})
