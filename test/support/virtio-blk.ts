/**
 * A make-believe guest with a virtio-blk disk of two queues, and its host: what both trace, and what really
 * happened. Requests overlap, a kick is left out while the host is at the queue, the host joins neighbours to
 * one call, injections of a pending interrupt fall together, one handler completes several requests.
 */
export interface Truth {
  sector: number
  /** The times of its stages; what did not happen is absent. */
  stages: Record<string, number>
  /** The first kick of its queue after the issue, even if the host had begun; the injection that brought its handler. */
  kicked?: number
  brought?: number
}

export interface Simulated {
  events: { ts: number; line: string }[]
  requests: Truth[]
}

interface Queue {
  cpu: number
  irq: number
  vcpu: number
  ring: Request[]
  used: Request[]
  /** Issued and not told of yet. */
  untold: Request[]
  hostLooks: boolean
  pending: number[]
  delivering: boolean
  inHandler: boolean
}

interface Request {
  truth: Truth
  sectors: number
  op: string
  queue: Queue
}

const MAIN = 100

/** `random` answers whole numbers below its argument. */
export function simulate(random: (below: number) => number, count: number, pace: number, twins = 0): Simulated {
  const events: Simulated['events'] = []
  const requests: Truth[] = []
  const agenda: { at: number; run: () => void }[] = []
  let now = 0
  let worker = 200
  const inbox: (() => void)[] = []
  let mainAwake = false

  function later(delay: number, run: () => void): void {
    const at = now + 1 + delay
    const place = agenda.findIndex((other) => other.at > at)
    agenda.splice(place < 0 ? agenda.length : place, 0, { at, run })
  }

  function trace(src: string, event: string, where: { cpu: number; pid: number }, args: object): number {
    now++
    events.push({ ts: now, line: JSON.stringify({ ts: String(now), src, event, ...where, args }) })
    return now
  }

  const queues = [0, 1].map(
    (cpu): Queue => ({
      cpu,
      irq: 30 + cpu,
      vcpu: 10 + cpu,
      ring: [],
      used: [],
      untold: [],
      hostLooks: false,
      pending: [],
      delivering: false,
      inHandler: false,
    }),
  )

  function issue(queue: Queue, sector: number, sectors: number, op: string): void {
    const truth: Truth = { sector, stages: {} }
    const request = { truth, sectors, op, queue }
    requests.push(truth)
    truth.stages.issue = trace('guest', 'block:block_rq_issue', { cpu: queue.cpu, pid: 7 }, extent(request))
    queue.ring.push(request)
    queue.untold.push(request)
    if (!queue.hostLooks) later(random(3), () => kick(queue))
  }

  function kick(queue: Queue): void {
    const vcpu = { cpu: 0, pid: queue.vcpu }
    const ts = trace('host', 'kvm:kvm_mmio', vcpu, {
      type: 2,
      gpa: String(4096 + 4 * queue.cpu),
      val: String(queue.cpu),
    })
    const told = queue.untold.splice(0)
    for (const { truth } of told) {
      truth.kicked = ts
      if (truth.stages.sys_enter === undefined) truth.stages.kick = ts
    }
    wake(vcpu, told, () => look(queue))
    trace('host', 'kvm:kvm_entry', vcpu, { vcpu_id: queue.cpu })
  }

  /** QEMU's main thread has something to do. */
  function wake(by: { cpu: number; pid: number }, told: Request[], work: () => void): void {
    inbox.push(work)
    if (mainAwake) return
    mainAwake = true
    const waking = trace('host', 'sched:sched_waking', by, { pid: MAIN })
    later(random(20), () => {
      const run = trace('host', 'sched:sched_switch', { cpu: 1, pid: 0 }, { next_pid: MAIN })
      for (const { truth } of told)
        if (truth.stages.kick !== undefined) Object.assign(truth.stages, { wake: waking, run })
      main()
    })
  }

  function main(): void {
    const work = inbox.shift()
    if (!work) {
      mainAwake = false
      return
    }
    work()
    later(random(4), main)
  }

  function look(queue: Queue): void {
    queue.hostLooks = true
    later(random(6), () => {
      const taken = queue.ring.splice(0)
      for (let i = 0; i < taken.length; i++) {
        const group = [taken[i] as Request]
        while (i + 1 < taken.length && joins(group.at(-1) as Request, taken[i + 1] as Request))
          group.push(taken[++i] as Request)
        later(random(10), () => call(group))
      }
      if (taken.length > 0) later(random(6), () => look(queue))
      else queue.hostLooks = false
    })
  }

  function call(group: Request[]): void {
    const [first] = group as [Request]
    const thread = { cpu: 1, pid: worker++ }
    const name = first.op === 'R' ? 'pread64' : 'pwrite64'
    const bytes = group.reduce((sum, { sectors }) => sum + sectors * 512, 0)
    const pos = String(first.truth.sector * 512)
    const enter = trace('host', `syscalls:sys_enter_${name}`, thread, { fd: '3', count: String(bytes), pos })
    later(random(60), () => {
      const exit = trace('host', `syscalls:sys_exit_${name}`, thread, { ret: String(bytes) })
      for (const { truth } of group) Object.assign(truth.stages, { sys_enter: enter, sys_exit: exit })
      for (const { truth } of group) if ((truth.stages.kick ?? 0) > enter) forgetKick(truth)
      wake(thread, [], () => push(group))
    })
  }

  function push(group: Request[]): void {
    for (const request of group) request.queue.used.push(request)
    const { queue } = group[0] as Request
    if (queue.inHandler) return
    queue.pending.push(trace('host', 'kvm:kvm_msi_set_irq', { cpu: 1, pid: MAIN }, { dst: queue.cpu, vec: 38 }))
    if (!queue.delivering) deliver(queue)
  }

  function deliver(queue: Queue): void {
    queue.delivering = true
    later(random(30), () => {
      const taken = queue.pending.splice(0)
      later(random(5), () => {
        const on = { cpu: queue.cpu, pid: 0 }
        const irq = trace('guest', 'irq:irq_handler_entry', on, { irq: queue.irq, name: `virtio1-req.${queue.cpu}` })
        const may = [...taken, ...queue.pending]
        queue.inHandler = true
        later(random(4), () => {
          for (const request of queue.used.splice(0)) complete(request, irq, may)
          trace('guest', 'irq:irq_handler_exit', on, { irq: queue.irq, ret: 'handled' })
          queue.inHandler = false
          queue.delivering = false
          if (queue.pending.length > 0) deliver(queue)
        })
      })
    })
  }

  function complete(request: Request, irq: number, injections: number[]): void {
    const { truth, queue } = request
    const complete = trace('guest', 'block:block_rq_complete', { cpu: queue.cpu, pid: 0 }, extent(request))
    queue.untold = queue.untold.filter((other) => other !== request)
    truth.brought = injections[0]
    const msi = injections.find((ts) => ts >= (truth.stages.sys_exit as number))
    truth.stages.complete = complete
    // what the host did while the handler ran was not what brought it
    if (irq > (truth.stages.sys_exit as number)) truth.stages.irq = irq
    if (msi !== undefined) truth.stages.msi = msi
  }

  let sector = 0
  for (let i = 0, at = 0; i < count; i++, at += random(pace)) {
    const again = random(100) < twins
    const sectors = 8 * (1 + random(4))
    if (!again) sector += random(3) === 0 ? sectors + 64 : 0
    const [queue, op, from] = [queues[random(2)] as Queue, random(3) === 0 ? 'W' : 'R', sector]
    if (!again) sector += sectors
    later(at, () => issue(queue, from, sectors, op))
  }
  for (let next = agenda.shift(); next; next = agenda.shift()) {
    now = Math.max(now, next.at)
    next.run()
  }
  return { events, requests }
}

function joins(a: Request, b: Request): boolean {
  return a.op === b.op && a.truth.sector + a.sectors === b.truth.sector
}

function forgetKick(truth: Truth): void {
  for (const stage of ['kick', 'wake', 'run']) delete truth.stages[stage]
}

function extent({ truth, sectors, op }: Request): object {
  return { dev: 266338304, sector: String(truth.sector), nr_sector: sectors, rwbs: `${op}S` }
}
