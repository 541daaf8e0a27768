/**
 * Several guests of one host: whose fact it is. What needs a guest's name (a kick, an injection, a call) is of the `vm`
 * that its event says, or of the only guest there is; threads and the host's disks are the host's own and concern all.
 *
 * While a guest's queues and interrupts are being learnt its facts are held, and followed once they are known: so the
 * first requests are followed like the others.
 */
import { BadRecord } from '../cli/tool.js'
import type { Loss } from '../wire/lost.js'
import { nameOf } from '../wire/names.js'
import type { Report } from './account.js'
import type { Fact } from './facts.js'
import { type FollowOptions, follow } from './follow.js'
import { kicks } from './kicks.js'
import { queues, type Told } from './queues.js'

export interface GuestsOptions extends Omit<FollowOptions, 'guest' | 'queues'> {
  told: Told
  /** The src of the host, interned. */
  host: number
  /** A loss was told after requests that may span it had gone out. */
  late(): void
}

export interface Guests {
  take(fact: Fact): void
  loss(loss: Loss): void
  end(): void
  reports(): Report[]
  /** Facts of the host of which nobody knows whose they are: there are several guests. */
  readonly unplaced: number
}

interface Lane {
  take(fact: Fact): void
  loss(loss: Loss): void
  end(): void
  report(): Report
}

const MOST_GUESTS = 256
/** Facts held while something is being learnt. */
const MOST_HELD = 1 << 14

export function guests(options: GuestsOptions): Guests {
  const lanes = new Map<number, Lane>()
  const threads = kicks()
  let unplaced = 0
  /** The last loss of the host's, for guests that nothing was seen of yet. */
  let before: Loss | undefined

  function laneOf(src: number): Lane {
    const known = lanes.get(src)
    if (known) return known
    if (lanes.size >= MOST_GUESTS) throw new BadRecord(`more than ${MOST_GUESTS} guests`)
    const made = lane(nameOf(src), options)
    if (before) made.loss(before)
    lanes.set(src, made)
    return made
  }

  /** Of the host: whose it is. */
  function place(fact: Fact): void {
    if (fact.is === 'kick') threads.kick(fact)
    if (fact.vm !== 0) lanes.get(fact.vm)?.take(fact)
    else if (lanes.size === 1) for (const only of lanes.values()) only.take(fact)
    else if (lanes.size > 1) unplaced++
  }

  return {
    take(fact) {
      if (fact.stamp.src !== options.host) laneOf(fact.stamp.src).take(fact)
      else if (fact.is === 'entry') threads.entry(fact)
      else if (fact.is === 'waking') threads.waking(fact)
      else if (fact.is === 'switch') threads.switch(fact)
      else if (fact.is === 'host_issue' || fact.is === 'host_complete')
        for (const each of lanes.values()) each.take(fact)
      else place(fact)
    },
    loss(loss) {
      if (loss.src === 0 || loss.src === options.host) {
        before = loss
        threads.clear()
      }
      for (const [src, each] of lanes)
        if (loss.src === 0 || loss.src === src || loss.src === options.host) each.loss(loss)
    },
    end() {
      for (const each of lanes.values()) each.end()
    },
    reports: () => [...lanes.values()].map((each) => each.report()),
    get unplaced() {
      return unplaced
    },
  }
}

function lane(guest: string, { told, late, ...options }: GuestsOptions): Lane {
  const known = queues(guest, told)
  const requests = follow({ ...options, guest, queues: known })
  let held: (Fact | Loss)[] = []

  function through(item: Fact | Loss): void {
    if (known.waiting && held.length < MOST_HELD) {
      held.push(item)
      return
    }
    if (held.length > 0) release()
    now(item)
  }

  function release(): void {
    known.giveUp()
    const items = held
    held = []
    for (const item of items) now(item)
  }

  function now(item: Fact | Loss): void {
    if ('is' in item) requests.take(item)
    else if (!requests.loss(item)) late()
  }

  return {
    take(fact) {
      known.take(fact)
      through(fact)
    },
    loss(loss) {
      known.lost()
      through(loss)
    },
    end() {
      release()
      requests.end()
    },
    report: requests.report,
  }
}
