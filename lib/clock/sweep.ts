/**
 * Sweeping over offsets: at which offset do most of the guest's events fall into stretches of host time where they
 * may be?
 *
 * An event at guest time g lies in a stretch [from, to] of host time for the offsets g - to … g - from. Each event gives
 * such intervals, one a stretch; the offset that is in most of them is looked for: first in bins over all offsets
 * with a few hundred events, then exactly, by the sorted ends of the intervals, near the best bins with more, and near
 * the best of those with all. Example: events at 105 and 222, stretches [0, 10] and [100, 120]. The first event admits
 * -15…5 and 95…105, the second 102…122 and 212…222: both are right only with an offset of 102 to 105.
 */
import type { Stretches } from './running.js'
import { below } from './times.js'

/** Events, each of which has to lie in one of the stretches. */
export interface Rule {
  events: Float64Array
  stretches: Stretches
}

/** What else is known of the offset: it is at most each of `most`, at least each of `least`. */
export interface Bounds {
  most: readonly number[]
  least: readonly number[]
}

export interface Plateau {
  /** How many intervals hold it. */
  count: number
  /** The first and the last offset of which that is true. */
  low: number
  high: number
}

const none: Bounds = { most: [], least: [] }

/** The offsets from `lo` to `hi` that lie in most intervals. */
export function best(rules: readonly Rule[], lo: number, hi: number, { most, least }: Bounds = none): Plateau {
  const starts: number[] = []
  const ends: number[] = []
  /** Intervals that hold all of lo…hi. */
  let always = 0

  function add(start: number, end: number): void {
    if (start > hi || end < lo) return
    if (start <= lo && end >= hi) {
      always++
      return
    }
    starts.push(Math.max(lo, start))
    ends.push(Math.min(hi, end))
  }

  for (const { events, stretches } of rules) {
    const { from, to } = stretches
    for (const event of events)
      for (let i = below(to, event - hi); i < from.length && event - (from[i] as number) >= lo; i++)
        add(event - (to[i] as number), event - (from[i] as number))
  }
  for (const bound of most) add(Number.NEGATIVE_INFINITY, bound)
  for (const bound of least) add(bound, Number.POSITIVE_INFINITY)
  const found = deepest(new Float64Array(starts).sort(), new Float64Array(ends).sort(), lo, hi)
  return { ...found, count: found.count + always }
}

/** Where most of the intervals that begin and end there overlap. */
function deepest(starts: Float64Array, ends: Float64Array, lo: number, hi: number): Plateau {
  let found: Plateau = { count: 0, low: lo, high: hi }
  let depth = 0
  let ended = 0
  for (let begun = 0; begun < starts.length; ) {
    const at = starts[begun] as number
    while ((ends[ended] as number) < at) {
      ended++
      depth--
    }
    while (begun < starts.length && starts[begun] === at) {
      begun++
      depth++
    }
    // it holds up to the next end
    const until = ends[ended] as number
    if (depth > found.count) found = { count: depth, low: at, high: until }
    else if (depth === found.count) found.high = until
  }
  return found
}

/** Time before the first stretch and after the last is not known: there an event may be. */
export function unboundedly(rules: readonly Rule[]): Rule[] {
  return rules.map(({ events, stretches }) => {
    const from = stretches.from.slice()
    const to = stretches.to.slice()
    from[0] = Number.NEGATIVE_INFINITY
    to[to.length - 1] = Number.POSITIVE_INFINITY
    return { events, stretches: { from, to } }
  })
}

export interface Tally {
  used: number
  violated: number
  outside: number
}

/** How many events lie in no stretch at this offset; those before the first or after the last one say nothing. */
export function tally(rules: readonly Rule[], offset: number): Tally {
  const sum = { used: 0, violated: 0, outside: 0 }
  for (const { events, stretches } of rules) {
    const { from, to } = stretches
    for (const event of events) {
      const time = event - offset
      const i = below(to, time)
      if (i === from.length || time < (from[0] as number)) sum.outside++
      else {
        sum.used++
        if (time < (from[i] as number)) sum.violated++
      }
    }
  }
  return sum
}

export interface Hit {
  offset: number
  covered: number
}

export interface Search {
  best: Hit
  /** Of a few thousand events, how many do not fit the best offset, and how many the best one that is elsewhere. */
  misses: number
  rivalMisses: number
  rival: number
  /** How exact the offsets are. */
  width: number
}

const SAMPLE = 400
const LARGER_SAMPLE = 4000
/** Cycles a bin is wide at least, bins a block has, and bins that are counted at a time. */
const BIN = 1 << 14
const BLOCK = 64
const CHUNK = 1 << 20
const MAX_BINS = 2 ** 27
const BLOCKS_TRIED = 200

/** The most promising offset from `lo` to `hi`. */
export function search(rules: readonly Rule[], lo: number, hi: number): Search {
  const bin = Math.max(BIN, 2 ** Math.ceil(Math.log2((hi - lo) / MAX_BINS)))
  const depths = blockDepths(sampled(rules, SAMPLE), lo, hi, bin)
  const larger = sampled(rules, LARGER_SAMPLE)
  const width = bin * BLOCK
  const hits = topBlocks(depths).map((block): Hit => {
    const { count, low, high } = best(larger, lo + block * width, lo + (block + 1) * width)
    return { offset: (low + high) / 2, covered: count }
  })
  hits.sort((a, b) => b.covered - a.covered)
  const first = hits[0] ?? { offset: lo, covered: 0 }
  const { used, violated } = tally(larger, first.offset)
  let rivalMisses = Number.POSITIVE_INFINITY
  let rival = first.offset
  for (const { offset } of hits) {
    if (Math.abs(offset - first.offset) <= 2 * width) continue
    const there = tally(larger, offset)
    // an offset at which the recordings hardly overlap violates little
    if (there.used < used / 2 || there.violated >= rivalMisses) continue
    rivalMisses = there.violated
    rival = offset
  }
  return { best: first, misses: violated, rivalMisses, rival, width: 2 * width }
}

/** At most `size` events of all rules together, evenly spread. */
function sampled(rules: readonly Rule[], size: number): Rule[] {
  const total = rules.reduce((sum, { events }) => sum + events.length, 0)
  const step = Math.max(1, total / size)
  return rules.map(({ events, stretches }) => ({
    events: new Float64Array(Math.ceil(events.length / step)).map((_, i) => events[Math.floor(i * step)] as number),
    stretches,
  }))
}

/** The most intervals that touch one bin, for each block of bins. */
function blockDepths(rules: readonly Rule[], lo: number, hi: number, bin: number): Uint16Array {
  const bins = Math.ceil((hi - lo) / bin)
  const depths = new Uint16Array(Math.ceil(bins / BLOCK))
  const changes = new Int32Array(CHUNK + 1)
  for (let first = 0; first < bins; first += CHUNK) {
    countChunk(rules, lo + first * bin, bin, changes)
    let depth = 0
    for (let i = 0; i < CHUNK && first + i < bins; i++) {
      depth += changes[i] as number
      const block = Math.floor((first + i) / BLOCK)
      if (depth > (depths[block] as number)) depths[block] = depth
    }
  }
  return depths
}

function countChunk(rules: readonly Rule[], lo: number, bin: number, changes: Int32Array): void {
  changes.fill(0)
  const hi = lo + CHUNK * bin
  for (const { events, stretches } of rules) {
    const { from, to } = stretches
    for (const event of events) {
      // the bin after the last one that this event has counted: two stretches in one bin are one
      let next = 0
      for (let i = below(from, event - lo + 1) - 1; i >= 0 && event - (to[i] as number) < hi; i--) {
        const start = Math.max(next, Math.floor((event - (to[i] as number) - lo) / bin))
        const end = Math.min(CHUNK, Math.floor((event - (from[i] as number) - lo) / bin) + 1)
        if (end <= start) continue
        changes[start] = (changes[start] as number) + 1
        changes[end] = (changes[end] as number) - 1
        next = end
      }
    }
  }
}

/** The blocks of the greatest depths, about BLOCKS_TRIED of them. */
function topBlocks(depths: Uint16Array): number[] {
  const having = new Uint32Array(0x10000)
  for (const depth of depths) having[depth] = (having[depth] as number) + 1
  let least = 0xffff
  for (let sum = 0; least > 1; least--) {
    sum += having[least] as number
    if (sum > 0 && sum + (having[least - 1] as number) > BLOCKS_TRIED) break
  }
  const top: number[] = []
  for (let block = 0; block < depths.length && top.length < BLOCKS_TRIED; block++)
    if ((depths[block] as number) >= least) top.push(block)
  return top
}
