/**
 * Requests under way: which of them a completion is of, and which a call of the host has done.
 *
 * A request is known by what it is about. Of two at once that are about the same, nobody can tell which is completed:
 * until both are gone each of them is unclear.
 */
import type { Extent } from './facts.js'
import type { Call, Request } from './request.js'

export interface UnderWay {
  readonly size: number
  add(request: Request): void
  remove(request: Request): void
  /** Completed, and kept until its handler ends. */
  complete(request: Request): void
  has(request: Request): boolean
  oldest(): Request
  all(): Iterable<Request>
  /** The one that this is about, the oldest where there are more. */
  of(extent: Extent): { request: Request; unclear: boolean } | undefined
  /** The requests that a call has done; 'unclear': these, or some of them. */
  doneBy(call: Call, bytes: bigint): { requests: readonly Request[]; unclear: boolean }
}

export const SECTOR = 512n

interface Twins {
  requests: Request[]
  /** There were two at once. */
  unclear: boolean
}

export function underWay(): UnderWay {
  const open = new Set<Request>()
  const byName = new Map<string, Twins>()

  function leave(request: Request): void {
    const name = nameOf(request.extent)
    const twins = byName.get(name)
    if (!twins) return
    twins.requests = twins.requests.filter((other) => other !== request)
    if (twins.requests.length === 0) byName.delete(name)
  }

  return {
    get size() {
      return open.size
    },
    add(request) {
      open.add(request)
      const name = nameOf(request.extent)
      const known = byName.get(name)
      if (known) {
        known.requests.push(request)
        known.unclear = true
      } else byName.set(name, { requests: [request], unclear: false })
    },
    remove(request) {
      open.delete(request)
      leave(request)
    },
    complete(request) {
      request.completed = true
      leave(request)
    },
    has: (request) => open.has(request),
    oldest: () => open.values().next().value as Request,
    all: () => open,
    of(extent) {
      const twins = byName.get(nameOf(extent))
      const request = twins?.requests[0]
      return twins && request && { request, unclear: twins.unclear }
    },
    doneBy(call, bytes) {
      const requests = [...open].filter((request) => lies(request, call, bytes))
      if (overlap(requests)) return { requests, unclear: true }
      return { requests: bytesOf(requests) === bytes ? requests : [], unclear: false }
    },
  }
}

/** What nothing tells apart; a flush has no sectors, and says 0 first and then 2^64 - 1. */
function nameOf({ dev, sector, sectors, op }: Extent): string {
  return sectors === 0 ? `${dev} ${op}` : `${dev} ${op} ${sector}`
}

/** Is the request one that this call may have done? */
function lies({ extent, issued, completed }: Request, { offset, op, enter }: Call, bytes: bigint): boolean {
  if (completed || extent.op !== op || extent.sectors === 0 || enter.time < issued.time) return false
  const from = extent.sector * SECTOR
  return from >= offset && from + BigInt(extent.sectors) * SECTOR <= offset + bytes
}

/** QEMU joins neighbours of one disk to one call; two of the same sectors, or of two disks, it does not. */
function overlap(requests: readonly Request[]): boolean {
  const sorted = requests.map(({ extent }) => extent).sort((a, b) => (a.sector < b.sector ? -1 : 1))
  return sorted.some((extent, i) => {
    const before = sorted[i - 1]
    return before && (before.dev !== extent.dev || before.sector + BigInt(before.sectors) > extent.sector)
  })
}

function bytesOf(requests: readonly Request[]): bigint {
  return requests.reduce((sum, { extent }) => sum + BigInt(extent.sectors) * SECTOR, 0n)
}
