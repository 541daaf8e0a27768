/**
 * A virtual machine as KVM's debugfs shows it: `/sys/kernel/debug/kvm/<pid>-<fd>/vcpu<N>/` (virt/kvm/kvm_main.c,
 * arch/x86/kvm/debugfs.c), decimal numbers, a file each:
 *
 *     tsc-offset                      signed
 *     tsc-scaling-ratio               absent where the processor cannot scale
 *     tsc-scaling-ratio-frac-bits     48 on Intel, 32 on AMD
 *     pid                             the vCPU's thread; 0 before it ran, absent before Linux 5.19
 */
import { readdirSync } from 'node:fs'
import { Failure } from '../cli/tool.js'
import { guestName, guests, processOf, read } from './processes.js'

/** Where this machine tells of itself. */
export interface Roots {
  proc: string
  debug: string
}

export const roots: Roots = { proc: '/proc', debug: '/sys/kernel/debug' }

export interface VcpuState {
  vcpu: number
  /** Its thread, where that is known. */
  pid: number | undefined
  offset: bigint
  /** undefined: not scaled, which a ratio of 1.0 is as well. */
  ratio: bigint | undefined
  fracBits: number | undefined
}

export interface Vm {
  /** The process, and the guest's name as `-name` has it ('' where it is no QEMU). */
  pid: number
  name: string
  /** What KVM says now; undefined where the machine is gone. */
  vcpus(): VcpuState[] | undefined
  /** Is a host thread one of its own? undefined: there is no such thread any more. */
  owns(pid: number): boolean | undefined
}

const OTHER_WAYS = '--tsc-offset gives the offset by hand, --estimate finds it'

/** The machine of a pid or of a guest's name. Throws a Failure that says what to do. */
export function findVm(wanted: string, { proc, debug }: Roots = roots): Vm {
  const machines = kvmMachines(debug)
  const pid = /^\d+$/.test(wanted) ? Number(wanted) : named(wanted, proc)
  const own = machines.filter((name) => {
    const maker = Number.parseInt(name, 10)
    return maker === pid || processOf(maker, proc) === pid
  })
  const [path] = own.map((name) => `${debug}/kvm/${name}`).filter((at) => vcpuNames(at).length > 0)
  if (path === undefined)
    throw new Failure(
      `KVM has no virtual machine of process ${pid} here${machines.length > 0 ? `, only ${machines.join(', ')}` : ''}: it is emulated, or none of QEMU; ${OTHER_WAYS}`,
    )
  const state = readVcpus(path, proc, pid)
  if (state.length === 0)
    throw new Failure(`${path} has no vcpu*/tsc-offset: this kernel does not tell the offset; ${OTHER_WAYS}`)
  return {
    pid,
    name: guestName(pid, proc),
    vcpus() {
      const now = readVcpus(path, proc, pid)
      return now.length > 0 ? now : undefined
    },
    owns(thread) {
      const process = processOf(thread, proc)
      return process === undefined ? undefined : process === pid
    },
  }
}

/** `289-11` for each machine. */
function kvmMachines(debug: string): string[] {
  try {
    return readdirSync(`${debug}/kvm`).filter((name) => /^\d+-\d+$/.test(name))
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    throw new Failure(`--vm reads ${debug}/kvm: ${whyNot(debug, code)}; ${OTHER_WAYS}`)
  }
}

function whyNot(debug: string, code: string): string {
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied, it needs root'
  const mounted = entries(debug).length > 0
  if (mounted) return 'there is no KVM here (run it on the host of the guest, with the module kvm loaded)'
  return `debugfs is not mounted (mount -t debugfs nodev ${debug})`
}

function named(name: string, proc: string): number {
  const all = guests(proc)
  const pids = [...all].filter(([, known]) => known === name).map(([pid]) => pid)
  if (pids.length > 1)
    throw new Failure(`--vm ${name}: the processes ${pids.join(' and ')} have this name; give the pid of one`)
  const [pid] = pids
  if (pid !== undefined) return pid
  const known = [...all].map(([process, other]) => `${other} (${process})`).join(', ')
  throw new Failure(
    `--vm ${name}: no QEMU here has this name; ${known === '' ? 'none is running' : `there is ${known}`}`,
  )
}

function vcpuNames(path: string): string[] {
  return entries(path).filter((name) => /^vcpu\d+$/.test(name))
}

/** Those that tell their offset, by number. */
function readVcpus(path: string, proc: string, pid: number): VcpuState[] {
  return vcpuNames(path)
    .flatMap((name) => readVcpu(`${path}/${name}`, Number(name.slice(4))) ?? [])
    .map((state) => ({ ...state, pid: state.pid ?? threadNamed(state.vcpu, `${proc}/${pid}/task`) }))
    .sort((a, b) => a.vcpu - b.vcpu)
}

function readVcpu(path: string, vcpu: number): VcpuState | undefined {
  const offset = integer(`${path}/tsc-offset`)
  if (offset === undefined) return undefined
  const ratio = integer(`${path}/tsc-scaling-ratio`)
  const fracBits = integer(`${path}/tsc-scaling-ratio-frac-bits`)
  // one without the other says nothing
  if ((ratio === undefined) !== (fracBits === undefined)) return undefined
  const scaled = ratio !== undefined && fracBits !== undefined && ratio !== 1n << fracBits
  return {
    vcpu,
    pid: Number(integer(`${path}/pid`) ?? 0n) || undefined,
    offset: BigInt.asIntN(64, offset),
    ratio: scaled ? ratio : undefined,
    fracBits: scaled ? Number(fracBits) : undefined,
  }
}

/** QEMU calls a vCPU's thread `CPU 0/KVM` where `-name` has debug-threads=on, as libvirt does. */
function threadNamed(vcpu: number, task: string): number | undefined {
  const thread = entries(task).find((tid) => read(`${task}/${tid}/comm`) === `CPU ${vcpu}/KVM\n`)
  return thread === undefined ? undefined : Number(thread)
}

function integer(path: string): bigint | undefined {
  const text = read(path)?.trim() ?? ''
  return /^-?\d{1,20}$/.test(text) ? BigInt(text) : undefined
}

function entries(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
