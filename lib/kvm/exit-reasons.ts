/**
 * Why a vCPU left its guest, by the number in kvm:kvm_exit: the names that the kernel itself prints
 * (VMX_EXIT_REASONS and SVM_EXIT_REASONS in arch/x86/include/uapi/asm/vmx.h and svm.h, Linux 6.1). The event's `isa`
 * says whose numbers they are (KVM_ISA_VMX 1, KVM_ISA_SVM 2 in arch/x86/kvm/trace.h).
 */
import { numbered } from '../kernel/numbered.js'

/** Undefined where the number has no name. */
export function exitReason(reason: number, isa: number): string | undefined {
  // VMX keeps flags in the upper half
  return isa === 1 ? vmx.get(reason & 0xffff) : isa === 2 ? svm.get(reason) : undefined
}

const vmx = numbered(`
  0 EXCEPTION_NMI EXTERNAL_INTERRUPT TRIPLE_FAULT INIT_SIGNAL SIPI_SIGNAL 7 INTERRUPT_WINDOW NMI_WINDOW
  TASK_SWITCH CPUID 12 HLT INVD INVLPG RDPMC RDTSC 18 VMCALL VMCLEAR VMLAUNCH VMPTRLD VMPTRST VMREAD VMRESUME
  VMWRITE VMOFF VMON CR_ACCESS DR_ACCESS IO_INSTRUCTION MSR_READ MSR_WRITE INVALID_STATE MSR_LOAD_FAIL 36
  MWAIT_INSTRUCTION MONITOR_TRAP_FLAG 39 MONITOR_INSTRUCTION PAUSE_INSTRUCTION MCE_DURING_VMENTRY 43
  TPR_BELOW_THRESHOLD APIC_ACCESS EOI_INDUCED GDTR_IDTR LDTR_TR EPT_VIOLATION EPT_MISCONFIG INVEPT RDTSCP
  PREEMPTION_TIMER INVVPID WBINVD XSETBV APIC_WRITE RDRAND INVPCID VMFUNC ENCLS RDSEED PML_FULL XSAVES XRSTORS 67
  UMWAIT TPAUSE 74 BUS_LOCK NOTIFY
`)

const svm = numbered(`
  0 read_cr0 2 read_cr2 read_cr3 read_cr4 8 read_cr8 16 write_cr0 18 write_cr2 write_cr3 write_cr4 24 write_cr8 32
  read_dr0 read_dr1 read_dr2 read_dr3 read_dr4 read_dr5 read_dr6 read_dr7 48 write_dr0 write_dr1 write_dr2
  write_dr3 write_dr4 write_dr5 write_dr6 write_dr7 96 interrupt nmi smi init vintr cr0_sel_write read_idtr
  read_gdtr read_ldtr read_rt write_idtr write_gdtr write_ldtr write_rt rdtsc rdpmc pushf popf cpuid rsm iret
  swint invd pause hlt invlpg invlpga io msr task_switch ferr_freeze shutdown vmrun hypercall vmload vmsave stgi
  clgi skinit rdtscp icebp wbinvd monitor mwait 141 xsetbv 143 write_efer_trap write_cr0_trap 148 write_cr4_trap
  152 write_cr8_trap 162 invpcid 1024 npf avic_incomplete_ipi avic_unaccelerated_access vmgexit 2147483649
  vmgexit_mmio_read vmgexit_mmio_write vmgexit_nmi_complete vmgexit_ap_hlt_loop vmgexit_ap_jump_table 2147483664
  vmgexit_page_state_change vmgexit_guest_request vmgexit_ext_guest_request vmgexit_ap_creation 2147549181
  vmgexit_hypervisor_feature
`)
