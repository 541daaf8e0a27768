/**
 * One guest's requests, followed over facts that come in the order of time.
 *
 * A kick is for all requests of its queue that were issued since the one before. A call of the host did those
 * requests that make up what it read or wrote, neighbours joined, if it began after their issue. The handler in which
 * a request is completed is its interrupt's; the injection is the first one after the host was done that no handler
 * before has taken. What could be two is neither.
 */
import type { Seen } from '../chain/chain-record.js'
import type { Stamp } from '../chain/open-path.js'
import type { Loss } from '../wire/lost.js'
import { type Empty, emptyAccount, type IrqRow, type Report } from './account.js'
import { calls } from './calls.js'
import type { CallEnd, Fact, Handled, Handler, Injection, KickFact, RequestFact } from './facts.js'
import { handlers, type Running } from './handlers.js'
import type { Queues } from './queues.js'
import { needed, type Request, type Stage, stages } from './request.js'
import { stagesOf } from './resolve.js'
import { SECTOR, underWay } from './under-way.js'
import { untold } from './untold.js'

export interface FollowOptions {
  guest: string
  maxOpen: number
  queues: Queues
  /** A request that was followed to its end. */
  done(path: Seen & { links: Record<string, string> }): void
  /** A stage is earlier than the one before it, by so much. */
  acausal(by: bigint): void
}

export interface Follow {
  take(fact: Fact): void
  /** Events are missing. False where a request that may span it has gone out already. */
  loss(loss: Loss): boolean
  end(): void
  report(): Report
}

const untouched = { kick: undefined, call: undefined, unkicked: false, completed: false }
/** Interrupts that are counted apart. */
const MOST_IRQS = 1024

export function follow({ guest, maxOpen, queues, done, acausal }: FollowOptions): Follow {
  const account = emptyAccount()
  const open = underWay()
  const waiting = untold(queues)
  const calling = calls()
  const handling = handlers(queues.irqOf)
  /** Completed in the handler that a CPU still runs. */
  const completing = new Map<number, { request: Request; complete: Stamp }[]>()
  const came = new Map<Stage, number>()
  const empty: Empty = new Map()
  const irqRows = new Map<number, Omit<IrqRow, 'vector'>>()
  let unsafeUntil: bigint | undefined
  let lastEnd: bigint | undefined
  let afterLoss = false

  function issue({ extent, cpu, stamp }: RequestFact): void {
    account.started++
    if (unsafeUntil !== undefined && stamp.time < unsafeUntil) {
      account.lost++
      return
    }
    const request: Request = { extent, cpu, issued: stamp, queue: queues.queueOf(extent.dev, cpu), ...untouched }
    open.add(request)
    waiting.add(request)
    if (open.size > maxOpen) drop(open.oldest(), 'evicted')
  }

  function kick(fact: KickFact): void {
    const told = waiting.kicked(queues.kicked(fact), fact.kick)
    if (told === 'no queue') return
    account.kicks++
    if (told === 'idle') account.kicks_idle++
  }

  function called(fact: CallEnd): void {
    const call = calling.end(fact)
    if (!call || fact.bytes < SECTOR) return
    account.calls++
    const { requests, unclear } = open.doneBy(call, fact.bytes)
    if (requests.length === 0) account.calls_idle++
    for (const request of requests) {
      request.call = unclear || request.call !== undefined ? 'unclear' : call
      waiting.remove(request)
      if (request.kick && request.kick.stamp.time <= call.enter.time) continue
      // the host was at it before it was told
      request.kick = undefined
      request.unkicked = true
    }
  }

  function complete({ extent, cpu, stamp }: RequestFact): void {
    const found = open.of(extent)
    if (!found) {
      account.orphans++
      return
    }
    const { request, unclear } = found
    if (unclear || request.extent.sectors !== extent.sectors) {
      drop(request, 'unclear')
      return
    }
    waiting.remove(request)
    open.complete(request)
    if (!handling.on(cpu)) {
      finish(request, stamp, undefined)
      return
    }
    const others = completing.get(cpu)
    if (others) others.push({ request, complete: stamp })
    else completing.set(cpu, [{ request, complete: stamp }])
  }

  /** The requests that were completed on this CPU since its handler began: in it, if it is seen to end. */
  function settle(cpu: number, handler: Running | undefined): void {
    const completed = completing.get(cpu)
    if (!completed) return
    completing.delete(cpu)
    const row = handler && irqRow(handler.irq)
    if (row) {
      row.completing++
      row.requests += completed.length
    }
    for (const { request, complete } of completed) if (open.has(request)) finish(request, complete, handler)
  }

  function irqRow(irq: number) {
    const known = irqRows.get(irq)
    if (known || irqRows.size >= MOST_IRQS) return known
    const made = { irq, name: '', injected: 0, handlers: 0, completing: 0, requests: 0 }
    irqRows.set(irq, made)
    return made
  }

  function enter(fact: Handler): void {
    settle(fact.cpu, undefined)
    handling.enter(fact)
    const row = irqRow(fact.irq)
    if (!row) return
    row.handlers++
    row.name ||= fact.name
  }

  function exit(fact: Handled): void {
    settle(fact.cpu, handling.on(fact.cpu))
    handling.exit(fact)
  }

  function inject(fact: Injection): void {
    handling.injected(fact)
    const irq = queues.irqOf(fact.msi)
    const row = irq === undefined ? undefined : irqRow(irq)
    if (row) row.injected++
  }

  function finish(request: Request, completed: Stamp, handler: Running | undefined): void {
    open.remove(request)
    const { stamps, why } = stagesOf(request, { stamp: completed, handler, afterLoss })
    const back = backwards(stamps)
    if (back > 0n) {
      account.acausal++
      acausal(back)
      return
    }
    for (const [i, stage] of stages.entries()) if (stamps[i]) came.set(stage, (came.get(stage) ?? 0) + 1)
    for (const [stage, reason] of why) {
      const reasons = empty.get(stage) ?? new Map<string, number>()
      empty.set(stage, reasons.set(reason, (reasons.get(reason) ?? 0) + 1))
    }
    account[needed.some((stage) => why.has(stage)) ? 'gaps' : 'whole']++
    lastEnd = completed.time
    done({ stamps, at: stages.length - 1, links: linksOf(request, handler) })
  }

  function drop(request: Request, why: 'evicted' | 'lost' | 'unclear' | 'requeued'): void {
    account[why]++
    open.remove(request)
    waiting.remove(request)
  }

  function requeue({ extent }: RequestFact): void {
    const found = open.of(extent)
    if (found) drop(found.request, 'requeued')
  }

  return {
    take(fact) {
      if (fact.is === 'issue') issue(fact)
      else if (fact.is === 'complete') complete(fact)
      else if (fact.is === 'requeue') requeue(fact)
      else if (fact.is === 'handler') enter(fact)
      else if (fact.is === 'handled') exit(fact)
      else if (fact.is === 'kick') kick(fact)
      else if (fact.is === 'call') calling.begin(fact)
      else if (fact.is === 'return') called(fact)
      else if (fact.is === 'msi') inject(fact)
      else if (fact.is === 'host_issue' || fact.is === 'host_complete') calling.disk(fact)
    },
    loss({ from, to }) {
      for (const request of open.all()) drop(request, 'lost')
      afterLoss = true
      completing.clear()
      calling.clear()
      handling.clear()
      if (to !== undefined && (unsafeUntil === undefined || to > unsafeUntil)) unsafeUntil = to
      return from === undefined || lastEnd === undefined || lastEnd <= from
    },
    end() {
      for (const cpu of [...completing.keys()]) settle(cpu, undefined)
    },
    report: () => ({
      guest,
      account: { ...account, open: open.size },
      came,
      empty,
      queues: waiting.rows(),
      irqs: [...irqRows.values()]
        .filter(({ requests }) => requests > 0)
        .map((row) => ({ ...row, vector: vectorText(row.irq) })),
    }),
  }

  function vectorText(irq: number): string {
    return queues
      .vectorsOf(irq)
      .map(({ cpu, vector, agreed, observed }) => `${vector} on ${cpu} (${agreed} of ${observed})`)
      .join(', ')
  }
}

/** By how much the first stage that is earlier than the one before it is; 0 where none is. */
function backwards(stamps: readonly (Stamp | null)[]): bigint {
  let before: bigint | undefined
  for (const stamp of stamps) {
    if (!stamp) continue
    if (before !== undefined && stamp.time < before) return before - stamp.time
    before = stamp.time
  }
  return 0n
}

function linksOf({ extent, queue }: Request, handler: Running | undefined): Record<string, string> {
  return {
    dev: extent.dev,
    sector: String(extent.sector),
    nr_sector: String(extent.sectors),
    rwbs: extent.rwbs,
    ...(queue === undefined ? {} : { notify: queue }),
    ...(handler ? { irq: String(handler.irq) } : {}),
  }
}
