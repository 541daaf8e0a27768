/**
 * Is each event of a guest where its vCPU ran: between a kvm_entry and the next kvm_exit of its thread? KVM writes the
 * one before the guest runs and the other after it, so on a right timeline none lies outside; how far they do is a
 * measure of how wrong it is.
 */

export interface Presence {
  entry(at: number): void
  exit(at: number): void
  /** An event of the guest on this vCPU. */
  seen(at: number): void
  /** Whether the vCPU ran is not known until it is entered or left the next time after that. */
  lost(until: number): void
  counts(): PresenceCounts
}

export interface PresenceCounts {
  inside: number
  outside: number
  /** Before the first entry or exit, after the last one, or after a loss. */
  untold: number
  /** The one furthest outside, from the nearer of exit and entry. */
  furthest: number
}

/** Events whose next entry is not known yet; of more only the exit before them counts. */
const MAX_HELD = 1024

export function presence(): Presence {
  let running: boolean | undefined
  let left = 0
  let inside = 0
  let outside = 0
  let untold = 0
  let furthest = 0
  let held: number[] = []
  let more = 0
  let lostUntil = Number.NEGATIVE_INFINITY

  /** The vCPU was not running until now. */
  function settle(entered: number): void {
    outside += held.length + more
    for (const at of held) furthest = Math.max(furthest, Math.min(at - left, entered - at))
    held = []
    more = 0
  }

  return {
    entry(at) {
      if (at < lostUntil) return
      settle(at)
      running = true
    },
    exit(at) {
      if (at < lostUntil) return
      settle(Number.POSITIVE_INFINITY)
      running = false
      left = at
    },
    seen(at) {
      if (running === undefined) untold++
      else if (running || at === left) inside++
      else if (held.length < MAX_HELD) held.push(at)
      else more++
    },
    lost(until) {
      lostUntil = Math.max(lostUntil, until)
      untold += held.length + more
      held = []
      more = 0
      running = undefined
    },
    // after the last entry or exit nothing is known: the recording of the host may have ended there
    counts: () => ({ inside, outside, untold: untold + held.length + more, furthest }),
  }
}
