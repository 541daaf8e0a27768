/**
 * The stages of a request that was completed, and of each that is empty why: in words, for people.
 */
import type { Stamp } from '../chain/open-path.js'
import type { Wake } from './facts.js'
import type { Running } from './handlers.js'
import { type Call, type Request, type Stage, stages } from './request.js'

export interface Resolved {
  stamps: (Stamp | null)[]
  why: Map<Stage, string>
}

type Found = Stamp | string

export interface Completed {
  stamp: Stamp
  /** The handler that it was completed in, where that is known. */
  handler: Running | undefined
  /** Events are missing before: the host may have begun with it unseen. */
  afterLoss: boolean
}

export function stagesOf(followed: Request, { stamp: completed, handler, afterLoss }: Completed): Resolved {
  const call = callOf(followed)
  const request = afterLoss && typeof call === 'string' ? withoutLaterKick(followed, handler) : followed
  const done = typeof call === 'string' ? undefined : (call.exit as Stamp)
  const msi = injectionOf(request, done, handler)
  const wake = wakeOf(request, msi, typeof call === 'string' ? msi : call.enter)
  const disk = diskOf(call)
  const found: Record<Stage, Found> = {
    issue: request.issued,
    kick: kickOf(request),
    wake: typeof wake === 'string' ? wake : wake.waking,
    run: typeof wake === 'string' ? wake : (wake.run as Stamp),
    sys_enter: typeof call === 'string' ? call : call.enter,
    disk_issue: typeof disk === 'string' ? disk : disk[0],
    disk_complete: typeof disk === 'string' ? disk : disk[1],
    sys_exit: done ?? (call as string),
    msi,
    irq: handlerOf(handler, done),
    complete: completed,
  }
  const why = new Map<Stage, string>()
  const stamps = stages.map((stage) => {
    const of = found[stage]
    if (typeof of !== 'string') return of
    why.set(stage, of)
    return null
  })
  return { stamps, why }
}

/** A kick behind the handler was another one's. */
function withoutLaterKick(request: Request, handler: Running | undefined): Request {
  const { kick } = request
  if (!kick || !handler || kick.stamp.time <= handler.stamp.time) return request
  return { ...request, kick: undefined, unkicked: true }
}

function kickOf({ kick, queue, unkicked }: Request): Found {
  if (kick) return kick.stamp
  if (queue === undefined) return 'its queue is not known'
  return unkicked ? 'the host had begun without it' : 'none before it was completed'
}

function callOf({ call, extent }: Request): Call | string {
  if (call === 'unclear') return 'more than one could be it'
  if (call) return call
  if (extent.sectors === 0) return 'no sectors to know it by'
  return extent.op === 'R' || extent.op === 'W' ? 'none of its sectors' : 'neither read nor written'
}

/**
 * The first injection after the host was done that no handler before its own has taken. Where nothing says when the
 * host was done, the only one that can have brought its handler.
 */
function injectionOf({ issued, kick }: Request, done: Stamp | undefined, handler: Running | undefined): Found {
  if (!handler) return 'no handler to know it by'
  const { causes, known } = handler
  if (!known) return 'none of its interrupt is known'
  if (causes.length === 0) return 'none seen for its handler'
  const since = done ?? kick?.stamp ?? issued
  const [cause, another] = done ? causes.filter(({ stamp }) => stamp.time >= since.time) : causes
  if (another && (cause?.doubtful || !done)) return 'more than one could be it'
  return cause && cause.stamp.time >= since.time ? cause.stamp : 'its handler was on its way already'
}

/** A handler that ran when the host was not done yet was not brought by this request. */
function handlerOf(handler: Running | undefined, done: Stamp | undefined): Found {
  if (!handler) return 'not completed in an interrupt handler'
  return done && handler.stamp.time < done.time ? 'its handler was running already' : handler.stamp
}

/** The thread that injects is the one that takes the requests; `before`: what it did after it ran. */
function wakeOf({ kick }: Request, msi: Found, before: Found): Wake | string {
  if (!kick) return 'no kick'
  if (typeof msi === 'string') return 'no injection tells which thread'
  if (!kick.bounded) return 'no kvm_entry tells what the kick woke'
  const wake = kick.wakes.find(({ pid }) => pid === msi.pid)
  if (!wake?.run) return 'its thread was not woken'
  return typeof before !== 'string' && wake.run.time <= before.time ? wake : 'its thread ran only later'
}

/** What the call's thread asked of the host's disks: from the first issue to the last completion. */
function diskOf(call: Call | string): [Stamp, Stamp] | string {
  if (typeof call === 'string') return 'no call'
  const { issued, completed, first, last, exit } = call
  if (issued === 0) return 'the call issued nothing to a disk'
  const whole = completed === issued && first && last && last.time <= (exit as Stamp).time
  return whole ? [first, last] : 'not all came back within the call'
}
