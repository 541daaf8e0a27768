/** Requests that the host has not been told of yet, by queue: the queue's next kick is for all of them. */
import type { QueueRow } from './account.js'
import type { Kick } from './facts.js'
import type { Queues } from './queues.js'
import type { Request } from './request.js'

export interface Untold {
  add(request: Request): void
  /** The host was told, or has it without. */
  remove(request: Request): void
  /** Is this a queue's address, and did requests wait for the kick? */
  kicked(queue: string, kick: Kick): 'no queue' | 'idle' | 'told'
  rows(): QueueRow[]
}

/** A guest chooses addresses, disks and CPUs. */
const MOST = 1024

interface Queue {
  waiting: Set<Request>
  row: Omit<QueueRow, 'cpus'>
  users: Map<string, [dev: string, cpu: number]>
}

export function untold(queues: Queues): Untold {
  const byAddress = new Map<string, Queue>()

  function queueOf(notify: string): Queue | undefined {
    const known = byAddress.get(notify)
    if (known || byAddress.size >= MOST) return known
    const made = { waiting: new Set<Request>(), row: { notify, requests: 0, kicks: 0, idle: 0 }, users: new Map() }
    byAddress.set(notify, made)
    return made
  }

  function cpusText(users: Queue['users']): string {
    const texts = [...users.values()].map(([dev, cpu]) => {
      const vote = queues.voteFor(dev, cpu)
      return vote ? `${cpu} (${vote.agreed} of ${vote.observed})` : String(cpu)
    })
    return [...new Set(texts)].join(', ')
  }

  return {
    add(request) {
      const queue = request.queue === undefined ? undefined : queueOf(request.queue)
      if (!queue) return
      queue.waiting.add(request)
      queue.row.requests++
      const { dev } = request.extent
      if (queue.users.size < MOST) queue.users.set(`${dev} ${request.cpu}`, [dev, request.cpu])
    },
    remove(request) {
      if (request.queue !== undefined) byAddress.get(request.queue)?.waiting.delete(request)
    },
    kicked(notify, kick) {
      const queue = byAddress.get(notify)
      if (!queue) return 'no queue'
      queue.row.kicks++
      if (queue.waiting.size === 0) {
        queue.row.idle++
        return 'idle'
      }
      for (const request of queue.waiting) request.kick = kick
      queue.waiting.clear()
      return 'told'
    },
    rows: () => [...byAddress.values()].map(({ row, users }) => ({ ...row, cpus: cpusText(users) })),
  }
}
