/** What the kernel prints of KVM's events (arch/x86/kvm/trace.h, include/trace/events/kvm.h), as templates (forms.ts). */
const kvmExit =
  'vcpu {vcpu_id} reason {exit_reason:text} rip 0x{guest_rip:x64} info1 0x{info1:x64} info2 0x{info2:x64} '
const nestedExit = [
  `${kvmExit}intr_info 0x{intr_info:hex} error_code 0x{error_code:hex}`,
  `${kvmExit}intr_info 0x{intr_info:hex} error_code 0x{error_code:hex} requests 0x{requests:x64}`,
  'vcpu {vcpu_id} reason {exit_reason:text} rip 0x{guest_rip:x64} info {info1:x64} {info2:x64}',
  'reason {exit_reason:text} rip 0x{guest_rip:x64} info {info1:x64} {info2:x64}',
]
const entry = 'vcpu {vcpu_id}, rip 0x{rip:x64}'
const eoi = ['apicid {apicid:hex} vector {vector}', 'apicid={apicid:hex} vector={vector}']
const pin = 'pin {pin} dst {dst:hex} vec {vec} ({delivery_mode:word}|{dest_mode:word}|{trig_mode:word}'

export const kvmForms: Readonly<Record<string, readonly string[]>> = {
  kvm_entry: [
    entry,
    `${entry}[immediate exit]{immediate_exit=1}`,
    `${entry} intr_info 0x{intr_info:hex} error_code 0x{error_code:hex}`,
    `${entry} intr_info 0x{intr_info:hex} error_code 0x{error_code:hex}[immediate exit]{immediate_exit=1}`,
    'vcpu {vcpu_id} rip 0x{rip:x64}',
    'vcpu {vcpu_id}',
    'PC: 0x{vcpu_pc:x64}',
  ],
  // the last two of trace-cmd, and of arm64
  kvm_exit: [
    ...nestedExit,
    'reason {exit_reason:text} rip 0x{guest_rip:x64}',
    '{ret:word}: HSR_EC: 0x{esr_ec:hex} ({_:text}), PC: 0x{vcpu_pc:x64}',
  ],
  kvm_nested_vmexit: nestedExit,
  kvm_msi_set_irq: [
    'dst {dst:hex} vec {vec} ({delivery_mode:word}|{dest_mode:word}|{trig_mode:word}|rh){redirection_hint=1}',
    'dst {dst:hex} vec {vec} ({delivery_mode:word}|{dest_mode:word}|{trig_mode:word})',
    'address={address:u64} data={data:u64}',
  ],
  kvm_apic_accept_irq: [
    'apicid {apicid:hex} vec {vec} ({delivery_mode:word}|{trig_mode:word})',
    'apicid {apicid:hex} vec {vec} ({delivery_mode:word}|{trig_mode:word}) (coalesced){coalesced=1}',
    'apicid={apicid:hex} dm={dm} tm={tm} vec={vec}',
  ],
  kvm_apic_ipi: [
    'dst {dest_id:hex} vec {vec} ({delivery_mode:word}|{dest_mode:word}|{level:word}|{trig_mode:word}|{shorthand:word})',
  ],
  kvm_apic: ['apic_{rw:read|write} {reg:text} = 0x{val:x64}'],
  kvm_ioapic_set_irq: [
    `${pin}|masked) (coalesced){mask=1}{coalesced=1}`,
    `${pin}|masked){mask=1}`,
    `${pin}) (coalesced){coalesced=1}`,
    `${pin})`,
  ],
  kvm_pic_set_irq: [
    'chip {chip} pin {pin} ({trig_mode:word}|masked) (coalesced){mask=1}{coalesced=1}',
    'chip {chip} pin {pin} ({trig_mode:word}|masked){mask=1}',
    'chip {chip} pin {pin} ({trig_mode:word}) (coalesced){coalesced=1}',
    'chip {chip} pin {pin} ({trig_mode:word})',
  ],
  kvm_eoi: eoi,
  kvm_pv_eoi: eoi,
  kvm_set_irq: ['gsi {gsi} level {level} source {irq_source_id}'],
  kvm_ack_irq: ['irqchip {irqchip:PIC master|PIC slave|IOAPIC} pin {pin}'],
  kvm_inj_virq: [
    'IRQ 0x{vector:hex}{soft=0}{reinjected=0}',
    'IRQ 0x{vector:hex} [reinjected]{soft=0}{reinjected=1}',
    'Soft/INTn 0x{vector:hex}{soft=1}{reinjected=0}',
    'Soft/INTn 0x{vector:hex} [reinjected]{soft=1}{reinjected=1}',
    'irq {vector}',
  ],
  kvm_inj_exception: [
    '{exception:word} (0x{error_code:hex}) [reinjected]{reinjected=1}',
    '{exception:word} (0x{error_code:hex}){reinjected=0}',
    '{exception:word} [reinjected]{reinjected=1}',
    '{exception:word}{reinjected=0}',
  ],
  kvm_mmio: ['mmio {type:unsatisfied-read|read|write} len {len} gpa 0x{gpa:x64} val 0x{val:x64}'],
  kvm_fast_mmio: ['fast mmio at gpa 0x{gpa:x64}'],
  vcpu_match_mmio: ['gva 0x{gva:x64} gpa 0x{gpa:x64} {write:Read|Write} {gpa_match:GVA|GPA}'],
  kvm_pio: [
    'pio_{rw:read|write} at 0x{port:hex} size {size} count {count} val 0x{val:hex} (...)',
    'pio_{rw:read|write} at 0x{port:hex} size {size} count {count} val 0x{val:hex}',
  ],
  kvm_userspace_exit: ['reason restart (4){errno=-4}', 'reason KVM_EXIT_{_:word} ({reason})'],
  kvm_vcpu_wakeup: ['{waited:poll|wait} time {ns:u64} ns, polling {valid:invalid|valid}'],
  kvm_halt_poll_ns: ['vcpu {vcpu_id}: halt_poll_ns {new} ({grow:shrink|grow} {old})'],
  kvm_ple_window: ['vcpu {vcpu_id}: ple_window {new} ({grow:shrink|grow} {old})'],
  kvm_ple_window_update: ['vcpu {vcpu_id} old {old} new {new} ({_:word})'],
  kvm_write_tsc_offset: ['vcpu={vcpu_id} prev={previous_tsc_offset:u64} next={next_tsc_offset:u64}'],
  kvm_update_master_clock: [
    'masterclock {use_master_clock} hostclock {host_clock:word} offsetmatched {offset_matched}',
  ],
  kvm_track_tsc: [
    'vcpu_id {vcpu_id} masterclock {use_master_clock} offsetmatched {nr_vcpus_matched_tsc} nr_online {online_vcpus} hostclock {host_clock:word}',
  ],
  kvm_pvclock_update: [
    'vcpu_id {vcpu_id}, pvclock { version {version}, tsc_timestamp 0x{tsc_timestamp:x64}, system_time 0x{system_time:x64}, ' +
      'tsc_to_system_mul 0x{tsc_to_system_mul:hex}, tsc_shift {tsc_shift}, flags 0x{flags:hex} }',
  ],
  kvm_msr: [
    'msr_{write:read|write} {ecx:hex} = 0x{data:x64} (#GP){exception=1}',
    'msr_{write:read|write} {ecx:hex} = 0x{data:x64}',
    'write={write} ecx={ecx:hex} data={data:x64} exception={exception}',
  ],
  kvm_cr: ['cr_{rw:read|write} {cr:hex} = 0x{val:x64}'],
  kvm_cpuid: [
    'func {function:hex} idx {index:hex} rax {rax:x64} rbx {rbx:x64} rcx {rcx:x64} rdx {rdx:x64}, cpuid entry {_:text}',
  ],
  kvm_hypercall: ['nr 0x{nr:x64} a0 0x{a0:x64} a1 0x{a1:x64} a2 0x{a2:x64} a3 0x{a3:x64}'],
  kvm_page_fault: [
    'vcpu {vcpu_id} rip 0x{guest_rip:x64} address 0x{fault_address:x64} error_code 0x{error_code:x64}',
    'address {fault_address:x64} error_code {error_code:x64}',
  ],
  kvm_hv_timer_state: ['vcpu_id {vcpu_id} hv_timer {hv_timer_in_use:hex}'],
  kvm_wait_lapic_expire: ['vcpu {vcpu_id}: delta {delta:u64} ({_:word})'],
  kvm_pv_tlb_flush: ['vcpu {vcpu_id} need_flush_tlb {need_flush_tlb:false|true}'],
  kvm_emulate_insn: [
    '{csbase:hex}:{rip:x64}:{insn:text} ({_:word}) failed{failed=1}',
    '{csbase:hex}:{rip:x64}:{insn:text} ({_:word}){failed=0}',
  ],
  kvm_unmap_hva_range: ['mmu notifier unmap range: 0x{start:x64} -- 0x{end:x64}'],
  kvm_fpu: ['{load:unload|load}'],
}
