/**
 * A trace.dat's pages on their way into the rings: a lane for each CPU of each buffer, merged together by time.
 *
 * A few pages of each lane wait at a time. What lies up to the newest event of the lane that is least far can be
 * merged, as nothing older is to come; then its pages are used up and the next are read.
 */
import { MAX_CPU } from '../assembly/layout.js'
import type { Rings } from '../kernel/rings.js'
import { bytes } from '../wire/memory.js'
import { Broken } from './bytes.js'
import type { Dat } from './dat.js'
import type { Part } from './options.js'
import { type Pages, packedPages, plainPages } from './pages.js'

export interface Lane {
  cpu: number
  pageSize: number
  pages: Pages
  ended: boolean
  /** The newest event read so far. */
  newest?: bigint | undefined
  /** Why it ended before its end, and the time up to which it was read. */
  broken?: { why: string; from: bigint | undefined }
}

/** Pages of a lane that may wait. */
export const DEPTH = 8
/** A page is not larger: the length in its commit word has 20 bits. */
const MAX_PAGE = 1 << 20
/** What the waiting pages of all lanes may take. */
const MAX_WAITING = 1 << 26

export function lanesOf({ buffers, bytes: file, pageSize }: Dat): Lane[] {
  const lanes = buffers.flatMap((buffer) => {
    const size = buffer.pageSize || pageSize
    return buffer.parts
      .filter((part) => part.size > 0)
      .map((part) => ({ cpu: part.cpu, pageSize: size, pages: pagesOf(part, buffer.packed), ended: false }))
  })
  for (const lane of lanes)
    if (lane.pageSize < 4096 || lane.pageSize >= MAX_PAGE || lane.pageSize % 1024 !== 0)
      throw new Broken(`pages of ${lane.pageSize} bytes`)
  const odd = lanes.find(({ cpu }) => cpu >= MAX_CPU)
  if (odd) throw new Broken(`pages of CPU ${odd.cpu}`)
  if (lanes.length * largest(lanes) * DEPTH > MAX_WAITING) throw new Broken(`pages of ${lanes.length} CPUs`)
  return lanes

  function pagesOf({ offset, size }: Part, packed: Dat['buffers'][number]['packed']): Pages {
    return packed ? packedPages(file, offset, size, packed) : plainPages(file, offset, size)
  }
}

export function largest(lanes: readonly Lane[]): number {
  return Math.max(4096, ...lanes.map(({ pageSize }) => pageSize))
}

export interface Round {
  /** Something was read, or found to be over. */
  moved: boolean
  /** Up to this time all is there; undefined: all lanes have ended. */
  until: bigint | undefined
  /** Lanes that broke off now. */
  broken: Lane[]
}

/** Fills the lanes up. */
export function fill(lanes: readonly Lane[], rings: Rings): Round {
  const round: Round = { moved: false, until: undefined, broken: [] }
  for (const [i, lane] of lanes.entries()) {
    if (lane.ended) continue
    if (fillLane(lane, i, rings)) round.moved = true
    if (lane.ended && lane.broken) round.broken.push(lane)
    lane.newest = rings.newest(i) ?? lane.newest
    const { newest } = lane
    if (!lane.ended && newest !== undefined && (round.until === undefined || newest < round.until)) round.until = newest
  }
  return round
}

/** Answers whether a page was read, or the lane has ended. */
function fillLane(lane: Lane, i: number, rings: Rings): boolean {
  let moved = false
  try {
    for (let to = rings.room(i); to !== 0; to = rings.room(i)) {
      moved = true
      lane.ended = !lane.pages.next(bytes.subarray(to, to + lane.pageSize))
      if (lane.ended) break
      rings.put(i)
    }
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    lane.ended = true
    lane.broken = { why: error.message, from: rings.newest(i) ?? lane.newest }
  }
  return moved
}
