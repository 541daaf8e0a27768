/**
 * What the kernel prints of each event, read back: TP_printk formats as templates.
 *
 * `{name}` is a decimal integer, `{name:type}` one of the types below, `{name:a|b|c}` the number of the word that
 * is printed, `{name=1}` a field that this form implies, `{_:type}` text that is passed over. Names are those of the
 * kernel's record, as `events/SYSTEM/EVENT/format` has them, wherever the text tells the record's value; several
 * templates are tried in order (kernels and trace-cmd print some events in different ways). Sources: the formats of
 * Linux 6.1 and the TRACE_EVENTs in include/trace/events, arch/x86/kvm/trace.h; trace-cmd's plugins.
 *
 * | type | text | value |
 * | --- | --- | --- |
 * | | `-12`, `026` | a number |
 * | hex | `0x28`, `28` | a number |
 * | u64 | `71467005349` | a string: the field has 8 bytes |
 * | x64 | `ffffffff99617a0b` | a string of decimal digits |
 * | long | `0xfffffffffffffff5` | a string, signed: `"-11"` |
 * | ptr | `00000000eddd8c52` | a string of decimal digits |
 * | text, word | anything; without blanks | a string |
 * | value | what it looks like | |
 * | dev | `254,0` | the kernel's dev_t as a number, major << 20 or'ed with minor |
 * | list | `3, 7ffe493de170` | an array of strings of decimal digits |
 */
import { kvmForms } from './kvm-forms.js'

const wakeup = [
  'comm={comm:text} pid={pid} prio={prio} target_cpu={target_cpu}',
  'comm={comm:text} pid={pid} prio={prio} success={success} target_cpu={target_cpu}',
  '{comm:text}:{pid} [{prio}] CPU:{target_cpu}',
  '{comm:text}:{pid} [{prio}] success={success} CPU:{target_cpu}',
]
const task = [
  'comm={comm:text} pid={pid} prio={prio}',
  'comm={comm:text} pid={pid} prio={prio} group_dead={group_dead:false|true}',
  'comm={comm:text} pid={pid} prio={prio} group_dead={group_dead}',
  'comm={comm:text} pid={pid}',
]
const delay = ['comm={comm:text} pid={pid} delay={delay:u64} [ns]', 'comm={comm:text} pid={pid} delay={delay:u64}']
/** trace-cmd report -w adds how long the thread had waited. */
const switched =
  '{prev_comm:text}:{prev_pid} [{prev_prio}] {prev_state:word} ==> {next_comm:text}:{next_pid} [{next_prio}]'
const register = [
  '{msr:hex}, value {val:x64}{failed=0}',
  '{msr:hex}, value {val:x64} #GP{failed=1}',
  'msr={msr:hex} val={val:x64} failed={failed}',
]
const softirq = ['vec={vec} [action={action:word}]']

const request = [
  '{dev:dev} {rwbs:word} {bytes} ({cmd:text}) {sector:u64} + {nr_sector} [{comm:text}]',
  '{dev:dev} {rwbs:word} {bytes} ({cmd:text}) {sector:u64} + {nr_sector} {ioprio:word} [{comm:text}]',
]
const requestDone = [
  '{dev:dev} {rwbs:word} ({cmd:text}) {sector:u64} + {nr_sector} [{error}]',
  '{dev:dev} {rwbs:word} ({cmd:text}) {sector:u64} + {nr_sector} {ioprio:word} [{error}]',
]
const bio = ['{dev:dev} {rwbs:word} {sector:u64} + {nr_sector} [{comm:text}]']
const buffer = ['{dev:dev} sector={sector:u64} size={size:u64}']

const skb = ['dev={name:text} skbaddr={skbaddr:ptr} len={len}']
const ovs =
  'dpaddr={dpaddr:ptr} dp_name={dp_name:text} dev={dev_name:text} skbaddr={skbaddr:ptr} len={len} data_len={data_len} ' +
  'truesize={truesize} nr_frags={nr_frags} gso_size={gso_size} gso_type={gso_type:hex} ovs_flow_hash={ovs_flow_hash:hex} ' +
  'recirc_id={recirc_id:hex} keyaddr={keyaddr:ptr} eth_type={key_eth_type:hex} ct_state={key_ct_state:hex} ' +
  'ct_orig_proto={key_ct_orig_proto:hex} '

const printed = ['{ip:word}: {buf:text}', '{buf:text}']

export const forms: Readonly<Record<string, readonly string[]>> = {
  // sched
  sched_switch: [
    'prev_comm={prev_comm:text} prev_pid={prev_pid} prev_prio={prev_prio} prev_state={prev_state:word} ==> next_comm={next_comm:text} next_pid={next_pid} next_prio={next_prio}',
    switched,
    `${switched} Latency: {_:word} usecs`,
    'prev_comm={prev_comm:text} prev_pid={prev_pid} prev_prio={prev_prio} prev_state={prev_state:u64} next_comm={next_comm:text} next_pid={next_pid} next_prio={next_prio}',
  ],
  sched_waking: wakeup,
  sched_wakeup: wakeup,
  sched_wakeup_new: wakeup,
  sched_migrate_task: ['comm={comm:text} pid={pid} prio={prio} orig_cpu={orig_cpu} dest_cpu={dest_cpu}'],
  sched_stat_runtime: [
    'comm={comm:text} pid={pid} runtime={runtime:u64} [ns] vruntime={vruntime:u64} [ns]',
    'comm={comm:text} pid={pid} runtime={runtime:u64} [ns]',
    'comm={comm:text} pid={pid} runtime={runtime:u64} vruntime={vruntime:u64}',
    'comm={comm:text} pid={pid} runtime={runtime:u64}',
  ],
  sched_stat_wait: delay,
  sched_stat_sleep: delay,
  sched_stat_iowait: delay,
  sched_stat_blocked: delay,
  sched_process_exit: task,
  sched_process_free: task,
  sched_process_wait: task,
  sched_wait_task: task,
  sched_process_hang: task,
  sched_kthread_stop: task,
  sched_process_fork: ['comm={parent_comm:text} pid={parent_pid} child_comm={child_comm:text} child_pid={child_pid}'],
  sched_process_exec: ['filename={filename:text} pid={pid} old_pid={old_pid}'],
  task_newtask: ['pid={pid} comm={comm:text} clone_flags={clone_flags:x64} oom_score_adj={oom_score_adj}'],
  task_rename: [
    'pid={pid} oldcomm={oldcomm:text} newcomm={newcomm:text} oom_score_adj={oom_score_adj}',
    'oldcomm={oldcomm:text} newcomm={newcomm:text} oom_score_adj={oom_score_adj}',
  ],
  signal_generate: ['sig={sig} errno={errno} code={code} comm={comm:text} pid={pid} grp={group} res={result}'],
  sched_pi_setprio: ['comm={comm:text} pid={pid} oldprio={oldprio} newprio={newprio}'],
  sched_kthread_work_queue_work: ['work struct={work:ptr} function={function:text} worker={worker:ptr}'],
  sched_kthread_work_execute_start: ['work struct {work:ptr}: function {function:text}'],
  sched_kthread_work_execute_end: ['work struct {work:ptr}: function {function:text}'],

  // irq
  irq_handler_entry: ['irq={irq} name={name:text}'],
  softirq_raise: softirq,
  softirq_entry: softirq,
  softirq_exit: softirq,
  read_msr: register,
  write_msr: register,
  rdpmc: register,

  ...kvmForms,

  // block
  block_rq_issue: request,
  block_rq_insert: request,
  block_rq_merge: request,
  block_io_start: request,
  block_io_done: request,
  block_rq_complete: requestDone,
  block_rq_requeue: requestDone,
  block_rq_error: requestDone,
  block_bio_queue: bio,
  block_bio_bounce: bio,
  block_bio_backmerge: bio,
  block_bio_frontmerge: bio,
  block_getrq: bio,
  block_bio_complete: ['{dev:dev} {rwbs:word} {sector:u64} + {nr_sector} [{error}]'],
  block_bio_remap: ['{dev:dev} {rwbs:word} {sector:u64} + {nr_sector} <- ({old_dev:dev}) {old_sector:u64}'],
  block_rq_remap: ['{dev:dev} {rwbs:word} {sector:u64} + {nr_sector} <- ({old_dev:dev}) {old_sector:u64} {nr_bios}'],
  block_split: ['{dev:dev} {rwbs:word} {sector:u64} / {new_sector:u64} [{comm:text}]'],
  block_plug: ['[{comm:text}]'],
  block_unplug: ['[{comm:text}] {nr_rq}'],
  block_touch_buffer: buffer,
  block_dirty_buffer: buffer,

  // net, napi, openvswitch, skb
  net_dev_queue: skb,
  netif_receive_skb: skb,
  netif_rx: skb,
  net_dev_xmit: ['dev={name:text} skbaddr={skbaddr:ptr} len={len} rc={rc}'],
  net_dev_start_xmit: [
    'dev={name:text} queue_mapping={queue_mapping} skbaddr={skbaddr:ptr} vlan_tagged={vlan_tagged} vlan_proto={vlan_proto:hex} ' +
      'vlan_tci={vlan_tci:hex} protocol={protocol:hex} ip_summed={ip_summed} len={len} data_len={data_len} network_offset={network_offset} ' +
      'transport_offset_valid={transport_offset_valid} transport_offset={transport_offset} tx_flags={tx_flags} gso_size={gso_size} ' +
      'gso_segs={gso_segs} gso_type={gso_type:hex}',
  ],
  napi_poll: [
    'napi poll on napi struct {napi:ptr} for device {dev_name:text} work {work} budget {budget}',
    'napi poll on napi struct {napi:ptr} for device {dev_name:text}',
  ],
  ovs_do_execute_action: [
    `${ovs}ct_Zone={key_ct_zone:hex} flow_key_valid={flow_key_valid} action_type={action_type} action_len={action_len} action_data={action_data:ptr} is_last={is_last}`,
  ],
  ovs_dp_upcall: [
    `${ovs}ct_zone={key_ct_zone:hex} flow_key_valid={flow_key_valid} upcall_cmd={upcall_cmd} upcall_port={upcall_port} upcall_mru={upcall_mru}`,
  ],
  kfree_skb: [
    'skbaddr={skbaddr:ptr} rx_sk={rx_sk:ptr} protocol={protocol} location={location:text} reason: {reason:word}',
    'skbaddr={skbaddr:ptr} protocol={protocol} location={location:text} reason: {reason:word}',
    'skbaddr={skbaddr:ptr} protocol={protocol} location={location:text}',
  ],

  // timer, workqueue
  timer_start: [
    'timer={timer:ptr} function={function:text} expires={expires:u64} [timeout={timeout:u64}] bucket_expiry={bucket_expiry:u64} cpu={cpu} idx={idx} flags={flags:text}',
    'timer={timer:ptr} function={function:text} expires={expires:u64} [timeout={timeout:u64}] cpu={cpu} idx={idx} flags={flags:text}',
  ],
  workqueue_queue_work: [
    'work struct={work:ptr} function={function:text} workqueue={workqueue:text} req_cpu={req_cpu} cpu={cpu}',
  ],
  workqueue_activate_work: ['work struct {work:ptr} function={function:text}', 'work struct {work:ptr}'],
  workqueue_execute_start: ['work struct {work:ptr}: function {function:text}'],
  workqueue_execute_end: ['work struct {work:ptr}: function {function:text}'],

  // ftrace's own, and system calls
  function: [
    'ip={ip:text} parent_ip={parent_ip:text}',
    '{ip:word} <{_:hex}> <-{parent_ip:word} <{_:hex}>',
    '{ip:text} <-- {parent_ip:text}',
    '{ip:text} <-{parent_ip:text}',
    '{ip:text}',
  ],
  tracing_mark_write: ['{buf:text}'],
  print: printed,
  bprint: printed,
  bputs: printed,
  sys_enter: ['NR {id:u64} ({args:list})'],
  sys_exit: ['NR {id:u64} = {ret:u64}'],
}

/** `sys_exit_read` and all the others. */
export const systemCallExit: readonly string[] = ['{ret:long}', '__syscall_nr={__syscall_nr} ret={ret:long}']

/**
 * Fields of events without a form of their own that have 8 bytes in every event that has them. Of an unknown field
 * only the value can tell: above 32 bits it has 8 bytes.
 */
export const names64 = (
  'runtime vruntime delay expires softexpires now baseclk address fault_address gpa gva rip guest_rip ip parent_ip ret_ip addr ' +
  'previous_tsc_offset next_tsc_offset tsc_timestamp system_time sector old_sector ino bytes_req bytes_alloc pfn nr_pages timestamp __probe_ip __probe_func __probe_ret_ip'
).split(' ')

/** Fields of such events that are printed in hexadecimal without 0x (`%lx`). */
export const hexNames =
  'info1 info2 calltime rettime i_ino clone_flags sa_handler sa_flags sock_cookie dma_addr phys_addr dma_mask numa_scan_offset vm_start vm_end groupmask childmask'.split(
    ' ',
  )

/** Pointers, printed as 16 hexadecimal digits without 0x (`%p`). */
export const pointerNames =
  'skbaddr sk skaddr dpaddr keyaddr action_data timer hrtimer work worker tasklet napi ptr page call_site req bio wb'.split(
    ' ',
  )
