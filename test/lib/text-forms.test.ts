/** The text of events: known answers, and that fields and text together never lose anything. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { forms } from '../../lib/text/forms.js'
import { parseTemplate } from '../../lib/text/templates.js'
import { parseLine } from '../support/text.js'

const ftrace = (text: string) => parseLine(`               a-1       [000] ..... 1: ${text}`, 'ftrace')
const perf = (text: string) => parseLine(`               a     1 [000]     1.000001: ${text}`, 'perf-script')

describe('texts of the kernel', () => {
  const cases: [string, string, unknown][] = [
    [
      'sched_waking: comm=k=v pid=9 pid=405 prio=120 target_cpu=026',
      'sched_waking',
      { comm: 'k=v pid=9', pid: 405, prio: 120, target_cpu: 26 },
    ],
    [
      'sched_stat_runtime: comm=a b pid=1 runtime=18446744073709551615 [ns] vruntime=9007199254740993 [ns]',
      'sched_stat_runtime',
      { comm: 'a b', pid: 1, runtime: '18446744073709551615', vruntime: '9007199254740993' },
    ],
    [
      'sched_process_fork: comm=a pid=1 child_comm=b child_pid=2',
      'sched_process_fork',
      { parent_comm: 'a', parent_pid: 1, child_comm: 'b', child_pid: 2 },
    ],
    [
      'irq_handler_entry: irq=25 name=virtio1-req.0 and=more',
      'irq_handler_entry',
      { irq: 25, name: 'virtio1-req.0 and=more' },
    ],
    // the option fields, and other options
    [
      "e: pid=0x65bb (26043) ret=0xfffffff5 (-11) mask=0xdeadbeef (-559038737) cpu=0xffffffffffffffff (-1) one=(1) c='a' (97)",
      'e',
      { pid: 26043, ret: -11, mask: 3735928559, cpu: -1, one: 1, c: 97 },
    ],
    [
      'e: ptr=0xffff888627d1c6f8 (-131365201656072) f=a_b+0x0/0x140 (-2126294304) other=0x10 (17) call=f(3) s=x (4)',
      'e',
      { ptr: '18446612708507895544', f: 'a_b+0x0/0x140', other: '0x10 (17)', call: 'f(3)', s: 'x (4)' },
    ],
    ['tracing_mark_write+0x8a/0x170: a b=1', 'tracing_mark_write', { buf: 'a b=1' }],
    ['tracing_mark_write <ffffffff8149ab1a>: a b=1', 'tracing_mark_write', { buf: 'a b=1' }],
    [
      'vfs_open <ffffffff81f4a350> <-path_openat <ffffffff81f5cc10>',
      'function',
      { ip: 'vfs_open', parent_ip: 'path_openat' },
    ],
    [
      'open: (do_sys_openat2+0x0/0x170 <ffffffff81f4a350>) dfd=-100',
      'open',
      { __probe_ip: 'do_sys_openat2+0x0/0x170', dfd: -100 },
    ],
    [
      'openret: (__x64_sys_openat+0x6a/0xa0 <ffffffff81f4aa4a> <- do_sys_openat2 <ffffffff81f4a350>) ret=3',
      'openret',
      { __probe_func: 'do_sys_openat2', __probe_ret_ip: '__x64_sys_openat+0x6a/0xa0', ret: 3 },
    ],
    ['open: (do_sys_openat2+0x0/0x170 <x>) dfd=-100', 'open', { dfd: -100 }],
    // trace-cmd report -R: the record's values, in the notation of the kernel's text
    ['sys_exit_read: __syscall_nr=0 ret=0xfffffffffffffff5', 'sys_exit_read', { __syscall_nr: 0, ret: '-11' }],
    ['kvm_apic_accept_irq: apicid=10 dm=0 tm=0 vec=37', 'kvm_apic_accept_irq', { apicid: 16, dm: 0, tm: 0, vec: 37 }],
    ['kvm_eoi: apicid=10 vector=37', 'kvm_eoi', { apicid: 16, vector: 37 }],
    ['kvm_msr: write=1 ecx=830 data=0x10 exception=0', 'kvm_msr', { write: 1, ecx: 2096, data: '16', exception: 0 }],
    [
      'kvm_exit: exit_reason=1 info1=10 info2=800000ec',
      'kvm_exit',
      { exit_reason: 1, info1: '16', info2: '2147483884' },
    ],
    ['write_msr: msr=830 val=f6 failed=0', 'write_msr', { msr: 2096, val: '246', failed: 0 }],
    ['sched_stat_runtime: comm="q" pid=1 runtime=17', 'sched_stat_runtime', { comm: '"q"', pid: 1, runtime: '17' }],
    ['mm_filemap_fault: i_ino=10 s_dev=3 ptr=(nil)', 'mm_filemap_fault', { i_ino: '16', s_dev: 3, ptr: '0' }],
    ['e: name=x=y none= z=1 last=a=b=c', 'e', { name: 'x=y', none: '', z: 1, last: 'a=b=c' }],
    // addresses are known by their digits, whatever the field is called
    [
      'csd_function_entry: func=f, csd=0000000071256443 other=ffff888627d1c6f8 not=1234567890123456',
      'csd_function_entry',
      { func: 'f', csd: '1898275907', other: '18446612708507895544', not: '1234567890123456' },
    ],
    [
      'task_newtask: pid=3 comm=a pid=7 clone_flags=1200000 oom_score_adj=-9',
      'task_newtask',
      { pid: 3, comm: 'a pid=7', clone_flags: '18874368', oom_score_adj: -9 },
    ],
    [
      'signal_deliver: sig=17 errno=0 code=1 sa_handler=562595013e40 sa_flags=14000000',
      'signal_deliver',
      { sig: 17, errno: 0, code: 1, sa_handler: '94719413665344', sa_flags: '335544320' },
    ],
    ['write_msr: 6e0, value 725082c5f912', 'write_msr', { msr: 1760, val: '125690116962578', failed: 0 }],
    [
      'block_io_start: 254,0 RA 4096 () 38404640 + 8 be,0,4 [load.sh]',
      'block_io_start',
      {
        dev: 266338304,
        rwbs: 'RA',
        bytes: 4096,
        cmd: '',
        sector: '38404640',
        nr_sector: 8,
        ioprio: 'be,0,4',
        comm: 'load.sh',
      },
    ],
    ['kvm_entry: PC: 0xffff800080011a2c', 'kvm_entry', { vcpu_pc: '18446603338368752172' }],
    [
      'kvm_exit: TRAP: HSR_EC: 0x0024 (DABT_LOW), PC: 0xffff800080011a2c',
      'kvm_exit',
      { ret: 'TRAP', esr_ec: 36, vcpu_pc: '18446603338368752172' },
    ],
    ['irq_handler_exit: irq=25 ret=handled', 'irq_handler_exit', { irq: 25, ret: 'handled' }],
    ['softirq_raise: vec=7 [action=SCHED]', 'softirq_raise', { vec: 7, action: 'SCHED' }],
    [
      'kvm_msi_set_irq: dst 65 vec 40 (Fixed|physical|edge|rh)',
      'kvm_msi_set_irq',
      { dst: 101, vec: 40, delivery_mode: 'Fixed', dest_mode: 'physical', trig_mode: 'edge', redirection_hint: 1 },
    ],
    [
      'kvm_entry: vcpu 1, rip 0xffffffff99617a0b[immediate exit]',
      'kvm_entry',
      { vcpu_id: 1, rip: '18446744071987886603', immediate_exit: 1 },
    ],
    [
      'kvm_exit: vcpu 1 reason EPT_VIOLATION FAILED_VMENTRY rip 0xa info1 0x0000000000000181 info2 0x0 intr_info 0x80000306 error_code 0x00000000',
      'kvm_exit',
      {
        vcpu_id: 1,
        exit_reason: 'EPT_VIOLATION FAILED_VMENTRY',
        guest_rip: '10',
        info1: '385',
        info2: '0',
        intr_info: 2147484422,
        error_code: 0,
      },
    ],
    ['kvm_inj_virq: IRQ 0x28', 'kvm_inj_virq', { vector: 40, soft: 0, reinjected: 0 }],
    ['kvm_inj_virq: IRQ 0x28 [reinjected]', 'kvm_inj_virq', { vector: 40, soft: 0, reinjected: 1 }],
    ['kvm_mmio: mmio write len 2 gpa 0xfebf7004 val 0x1', 'kvm_mmio', { type: 2, len: 2, gpa: '4273958916', val: '1' }],
    [
      'kvm_pio: pio_write at 0x3f9 size 1 count 1 val 0x0 ',
      'kvm_pio',
      { rw: 1, port: 1017, size: 1, count: 1, val: 0 },
    ],
    ['kvm_userspace_exit: reason KVM_EXIT_IO (2)', 'kvm_userspace_exit', { reason: 2 }],
    ['kvm_userspace_exit: reason restart (4)', 'kvm_userspace_exit', { errno: -4 }],
    [
      'kvm_vcpu_wakeup: poll time 353149456 ns, polling invalid',
      'kvm_vcpu_wakeup',
      { waited: 0, ns: '353149456', valid: 0 },
    ],
    [
      'kvm_halt_poll_ns: vcpu 0: halt_poll_ns 0 (shrink 10000)',
      'kvm_halt_poll_ns',
      { vcpu_id: 0, new: 0, grow: 0, old: 10000 },
    ],
    [
      'kvm_write_tsc_offset: vcpu=0 prev=0 next=18446743988770976208',
      'kvm_write_tsc_offset',
      { vcpu_id: 0, previous_tsc_offset: '0', next_tsc_offset: '18446743988770976208' },
    ],
    [
      'block_rq_issue: 254,0 RA 16384 () 232488 + 32 [a [b]]',
      'block_rq_issue',
      { dev: 266338304, rwbs: 'RA', bytes: 16384, cmd: '', sector: '232488', nr_sector: 32, comm: 'a [b]' },
    ],
    [
      'block_rq_complete: 254,0 RA () 232488 + 32 [-5]',
      'block_rq_complete',
      { dev: 266338304, rwbs: 'RA', cmd: '', sector: '232488', nr_sector: 32, error: -5 },
    ],
    [
      'sys_pread64(fd: 3, buf: 7ffe493de170, count: 310, pos: 40)',
      'sys_enter_pread64',
      { fd: '3', buf: '140730127212912', count: '784', pos: '64' },
    ],
    ['sys_sync()', 'sys_enter_sync', {}],
    ['sys_pread64 -> 0x310', 'sys_exit_pread64', { ret: '784' }],
    ['sys_pread64 -> 0xfffffffffffffff5', 'sys_exit_pread64', { ret: '-11' }],
    [
      'sys_enter: NR 17 (3, 7ffe493de170, 310, 40, 0, 0)',
      'sys_enter',
      { id: '17', args: ['3', '140730127212912', '784', '64', '0', '0'] },
    ],
    ['irqfd_wakeup <-__wake_up_common', 'function', { ip: 'irqfd_wakeup', parent_ip: '__wake_up_common' }],
    ['tracing_mark_write: lab: begin run1 a=b', 'tracing_mark_write', { buf: 'lab: begin run1 a=b' }],
    ['netif_rx: dev=br0 skbaddr=00000000eddd8c52 len=52', 'netif_rx', { name: 'br0', skbaddr: '3990719570', len: 52 }],
    ['virtqueue_push: (0x559d47c3a9b0)', 'virtqueue_push', { __probe_ip: '94134002231728' }],
    [
      'icmp_rcv: (icmp_rcv+0x0/0x420) skbaddr=0xffff8db6d01d9f00 type=0',
      'icmp_rcv',
      { __probe_ip: 'icmp_rcv+0x0/0x420', skbaddr: '18446618415048007424', type: 0 },
    ],
    ['r: (0x20 <- 0x10) ret=0xb', 'r', { __probe_func: '16', __probe_ret_ip: '32', ret: 11 }],
    ['netdev_send: (0x10) dev="a b=c" qid=0', 'netdev_send', { __probe_ip: '16', dev: 'a b=c', qid: 0 }],
    [
      'hrtimer_start: hrtimer=00000000eddd8c52 function=tick_sched_timer expires=5 softexpires=6 mode=ABS',
      'hrtimer_start',
      { hrtimer: '3990719570', function: 'tick_sched_timer', expires: '5', softexpires: '6', mode: 'ABS' },
    ],
    [
      'mine: a=1, b=two words c= d=0x10 e=4294967296 f=-1',
      'mine',
      { a: 1, b: 'two words', c: '', d: 16, e: '4294967296', f: -1 },
    ],
    ['mine: nothing of the kind', 'mine', {}],
    ['mine: ', 'mine', {}],
    ['mine: __proto__=1', 'mine', Object.fromEntries([['__proto__', 1]])],
  ]
  for (const [text, event, args] of cases)
    test(text.slice(0, 80), async () => {
      const got = await ftrace(text)
      assert.equal(got.event, event)
      assert.deepEqual(got.args, args)
    })

  test('perf -F +flags has blanks before the text, which are no part of a field', async () => {
    const text = 'prev_comm=a prev_pid=1 prev_prio=120 prev_state=S ==> next_comm=b c next_pid=2 next_prio=120'
    const { args } = await perf(`sched:sched_switch:                       ${text}`)
    const [next_comm, prev_state] = ['b c', 'S']
    const prev = { prev_comm: 'a', prev_pid: 1, prev_prio: 120, prev_state }
    assert.deepEqual(args, { ...prev, next_comm, next_pid: 2, next_prio: 120 })
    const other = await perf(`sched:my_switch: ${text} new=1`)
    assert.deepEqual(other.args, { ...prev, next_comm, next_pid: 2, next_prio: 120, new: 1 })
  })

  test('what perf prints behind a text is no part of its last field', async () => {
    const args = { comm: 'a', pid: 18, prio: 0, target_cpu: 0 }
    for (const behind of [
      ' ffffffff8139ba69',
      ' ffffffff8139ba69 __traceiter_sched_waking',
      ' ffffffff8139ba69 __traceiter_sched_waking+0x29 ([kernel.kallsyms])',
      '     7fad7371638f operator new(unsigned long)+0x1f (/usr/lib/libstdc++.so.6)',
      '               0',
      '               0 ffffffff8139ba69 x ([kernel.kallsyms])',
    ]) {
      const text = `comm=a pid=18 prio=0 target_cpu=000${behind}`
      const got = await perf(`sched:sched_waking: ${text}`)
      assert.deepEqual([got.args, got.text], [args, text])
    }
    const other = await perf('irq:irq_handler_entry: irq=26 name=virtio0 ffff (x)')
    assert.deepEqual(other.args, { irq: 26, name: 'virtio0 ffff (x)' })
  })

  test('perf has the function of a return probe first', async () => {
    const { args } = await perf('probe_ovs:netdev_rxq_recv__return: (56077d037760 <- 56077d0071e9) ret=11')
    assert.deepEqual(args, { __probe_func: '94590162138976', __probe_ret_ip: '94590161940969', ret: 11 })
  })

  test("perf's system calls", async () => {
    const enter = await perf(
      'syscalls:sys_enter_pread64: fd: 0x00000003, buf: 0x7ffe493de170, count: 0x00000310, pos: 0x00000040',
    )
    assert.deepEqual(enter.args, { fd: '3', buf: '140730127212912', count: '784', pos: '64' })
    assert.deepEqual((await perf('syscalls:sys_exit_pread64: 0x310')).args, { ret: '784' })
  })
})

describe('text', () => {
  const cases: [string, boolean][] = [
    ['irq_handler_entry: irq=25 name=virtio1-req.0', false],
    ['irq_handler_entry: irq=025 name=virtio1-req.0', true],
    ['sched_process_exit: comm=a  b pid=1 prio=120', false],
    ['sched_process_exit: comm=a pid=1 prio=120 ', true],
    ['sched_waking: comm=a pid=1 prio=120 target_cpu=001', true],
    ['mine: a=1 b=two words', false],
    ['mine: a=1  b=2', true],
    ['mine: a=1 a=2', true],
    ['mine: a=0x1', true],
    ['mine: a=-0', true],
    ['mine: a="x"', true],
    ['mine: x a=1', true],
    ['mine: free text', true],
    ['mine: ', false],
  ]
  for (const [text, kept] of cases)
    test(`${text} ${kept ? 'keeps' : 'needs no'} text`, async () => {
      const event = await ftrace(text)
      const body = text.slice(text.indexOf(': ') + 2)
      assert.equal(event.text, kept ? body : undefined)
      const joined = Object.entries(event.args)
        .map(([name, value]) => `${name}=${value}`)
        .join(' ')
      assert.equal(joined === body, !kept)
    })
})

describe('forms', () => {
  test('no form names a field twice', () => {
    for (const [event, templates] of Object.entries(forms))
      for (const text of templates) {
        const names = parseTemplate(text)
          .fields.map(({ name }) => name)
          .filter((name) => name !== '')
        assert.equal(new Set(names).size, names.length, `${event}: ${text}`)
      }
  })

  test('each form reads what it prints', async () => {
    for (const [event, templates] of Object.entries(forms))
      for (const text of templates) {
        const { fields, tail } = parseTemplate(text)
        const printed = fields.map(({ before, type }) => before + sample(type)).join('') + tail
        const { args } = await ftrace(`${event}: ${printed}`)
        const names = fields.map(({ name }) => name).filter((name) => name !== '')
        for (const name of names) assert.ok(Object.hasOwn(args, name), `${event}: ${printed}: ${name}`)
      }
  })
})

function sample(type: string): string {
  const texts: Record<string, string> = {
    text: 'x',
    word: 'x',
    dev: '254,1',
    list: '1, 2',
    ptr: '00000000eddd8c52',
    long: '0x1',
  }
  return texts[type] ?? (type.includes('|') ? (type.split('|')[0] as string) : '7')
}
