/**
 * vCPU threads of a host, and what each was doing: in the guest (kvm_entry to kvm_exit), in the host for it (KVM,
 * QEMU), runnable without a CPU (switched out in state R, or woken and not yet switched in), or asleep. Of a thread
 * without these events it is only known that it ran.
 */
import { type Stretches, stretches } from './lane.js'
import { integer, type Moment, stillRunnable } from './moment.js'
import { IN_GUEST, IN_HOST, SLEEPING, VCPU_TASK, WAITING } from './page-data.js'

export interface Vcpu {
  src: string
  thread: number
  /** Its number in its guest. */
  number: number
  /** The guest, where its events say so, else ''. */
  vm: string
  ran: Stretches
}

export interface Vcpus {
  readonly all: readonly Vcpu[]
  isThread(src: string, pid: number | undefined): boolean
  take(moment: Moment): void
}

/** Its number is in kvm_entry and kvm_exit; a thread that did neither has QEMU's name, `CPU 0/KVM`. */
export function vcpusOf(moments: readonly Moment[]): Vcpus {
  const found = new Map<string, Vcpu>()

  function add(src: string, thread: number | undefined, number: number | undefined, vm = ''): void {
    if (thread === undefined || number === undefined || found.has(`${thread} ${src}`)) return
    found.set(`${thread} ${src}`, { src, thread, number, vm, ran: stretches() })
  }

  for (const { event, src, pid, args, vm } of moments)
    if (event === 'kvm_entry' || event === 'kvm_exit') add(src, pid, integer(args.vcpu_id ?? args.vcpu), vm)
  for (const { src, pid, comm, args } of moments) {
    add(src, pid, numberIn(comm))
    add(src, integer(args.prev_pid), numberIn(args.prev_comm))
    add(src, integer(args.next_pid), numberIn(args.next_comm))
  }
  const entering = new Set<string>()
  for (const { event, src, pid } of moments)
    if (event === 'kvm_entry' || event === 'kvm_exit') entering.add(`${pid} ${src}`)
  const running = (src: string, pid: number | undefined) => (entering.has(`${pid} ${src}`) ? IN_HOST : VCPU_TASK)
  const of = (src: string, pid: number | undefined) => found.get(`${pid} ${src}`)?.ran

  function switched({ at, src, cpu, args }: Moment): void {
    const prev = integer(args.prev_pid)
    const next = integer(args.next_pid)
    const out = of(src, prev)
    out?.was(at, running(src, prev), '', cpu)
    const runnable = stillRunnable(args.prev_state)
    out?.set(at, runnable ? WAITING : SLEEPING, '', cpu)
    of(src, next)?.set(at, running(src, next), '', cpu)
  }

  function woken({ at, src, args }: Moment): void {
    const thread = of(src, integer(args.pid))
    if (!thread || (thread.state !== undefined && thread.state !== SLEEPING)) return
    thread.was(at, SLEEPING, '')
    thread.set(at, WAITING, '', integer(args.target_cpu) ?? thread.cpu)
  }

  return {
    all: [...found.values()],
    isThread: (src, pid) => found.has(`${pid} ${src}`),
    take(moment) {
      const { at, src, cpu, pid, event } = moment
      if (event === 'sched_switch') switched(moment)
      else if (event === 'sched_waking' || event === 'sched_wakeup') woken(moment)
      else if (event === 'kvm_entry' || event === 'kvm_exit') {
        const inside = event === 'kvm_entry'
        of(src, pid)?.was(at, inside ? IN_HOST : IN_GUEST, '', cpu)
        of(src, pid)?.set(at, inside ? IN_GUEST : IN_HOST, '', cpu)
      }
    },
  }
}

function numberIn(comm: unknown): number | undefined {
  const match = typeof comm === 'string' ? /^CPU (\d{1,4})\/KVM$/.exec(comm) : null
  return match ? Number(match[1]) : undefined
}
