/**
 * Kicks: a guest's write that tells the host of a queue, whom that woke, and when it ran.
 *
 * KVM signals the queue's eventfd in the thread of the vCPU that wrote, before it enters the guest again: whoever is
 * woken there, between the write and the next kvm_entry, may be woken by it. Which of them it was, the thread that
 * injects the interrupt of the completion tells.
 */
import type { Entry, Kick, KickFact, Switch, Wake, Waking } from './facts.js'

export interface Kicks {
  kick(fact: KickFact): void
  entry(fact: Entry): void
  waking(fact: Waking): void
  switch(fact: Switch): void
  clear(): void
}

/** More are not woken by one write. */
const MOST_WAKES = 16
/** Woken threads that have not run yet. */
const MOST_SLEEPERS = 4096

export function kicks(): Kicks {
  /** By the vCPU's thread, until it enters the guest. */
  const writing = new Map<number, Kick>()
  const sleepers = new Map<number, Wake[]>()
  const entered = new Set<number>()

  return {
    kick({ stamp: { pid }, kick }) {
      if (pid === undefined) return
      kick.bounded = entered.has(pid)
      writing.set(pid, kick)
    },
    entry({ stamp }) {
      const thread = stamp.pid ?? -1
      const kick = writing.get(thread)
      if (kick) kick.bounded = true
      writing.delete(thread)
      entered.add(thread)
    },
    waking({ stamp, woken }) {
      const kick = writing.get(stamp.pid ?? -1)
      if (!kick || kick.wakes.length >= MOST_WAKES || kick.wakes.some(({ pid }) => pid === woken)) return
      const wake: Wake = { pid: woken, waking: stamp, run: undefined }
      kick.wakes.push(wake)
      const others = sleepers.get(woken)
      if (others) others.push(wake)
      else if (sleepers.size < MOST_SLEEPERS) sleepers.set(woken, [wake])
    },
    switch({ stamp, to }) {
      const woken = sleepers.get(to)
      if (!woken) return
      for (const wake of woken) wake.run = stamp
      sleepers.delete(to)
    },
    clear() {
      writing.clear()
      sleepers.clear()
    },
  }
}
