/**
 * The host's system calls that read and write at an offset: one a thread at a time, with what the thread issued to
 * the host's own disks while it was in it.
 */
import type { CallBegin, CallEnd, HostDisk } from './facts.js'
import type { Call } from './request.js'

export interface Calls {
  begin(fact: CallBegin): void
  /** The call that returns here, if its beginning was seen. */
  end(fact: CallEnd): Call | undefined
  disk(fact: HostDisk): void
  clear(): void
}

/** Threads in a call, and requests at the host's disks: the oldest are forgotten. */
const MOST = 4096

export function calls(): Calls {
  const byThread = new Map<number, Call>()
  const atDisk = new Map<string, Call>()

  return {
    begin({ stamp, offset, op }) {
      const thread = stamp.pid ?? -1
      byThread.delete(thread)
      byThread.set(thread, {
        enter: stamp,
        exit: undefined,
        offset,
        op,
        issued: 0,
        completed: 0,
        first: undefined,
        last: undefined,
      })
      forgetOldest(byThread)
    },
    end({ stamp }) {
      const thread = stamp.pid ?? -1
      const call = byThread.get(thread)
      byThread.delete(thread)
      if (call) call.exit = stamp
      return call
    },
    disk({ is, stamp, extent }) {
      const place = `${extent.dev} ${extent.sector}`
      if (is === 'host_issue') {
        const call = byThread.get(stamp.pid ?? -1)
        if (!call || call.op !== extent.op) return
        call.issued++
        call.first ??= stamp
        atDisk.set(place, call)
        forgetOldest(atDisk)
        return
      }
      const call = atDisk.get(place)
      if (!call) return
      atDisk.delete(place)
      call.completed++
      call.last = stamp
    },
    clear() {
      byThread.clear()
      atDisk.clear()
    },
  }
}

function forgetOldest(map: Map<unknown, unknown>): void {
  if (map.size > MOST) map.delete(map.keys().next().value)
}
