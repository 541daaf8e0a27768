/**
 * What a fleet's table must say, computed here from what is played and by nothing of vmpipe: for each guest the last start of
 * a key pairs with the next end of it. A loss of a guest takes its open starts with it, and those that begin in it; one of the
 * host, or of a guest of which nothing was heard before, those of all guests of the host.
 */
import type { Host, Item } from './play.js'
import { TSC_KHZ } from './recording.js'

export interface Truth {
  starts: number
  ends: number
  pairs: number
  replaced: number
  lost: number
  orphans: number
  open: number
  total_ns: string
  min_ns: number
  max_ns: number
  /** The value that 99 of a hundred do not exceed. */
  p99_ns: number
}

interface Counting {
  starts: number
  ends: number
  replaced: number
  lost: number
  orphans: number
  /** By key: when the last start was, and whether a loss spans it. */
  open: Map<number, { at: bigint; unsafe: boolean }>
  deltas: number[]
}

/** Nanoseconds of the host's clock, as tsc-align makes them. */
export function nanoseconds(cycles: bigint): bigint {
  return (cycles * 1_000_000n) / BigInt(TSC_KHZ)
}

/** By guest, in their order. */
export function truthOf({ items, offsets }: Host): Truth[] {
  const guests = offsets.map(
    (): Counting => ({ starts: 0, ends: 0, replaced: 0, lost: 0, orphans: 0, open: new Map(), deltas: [] }),
  )
  const heard = new Set<number>()
  const losses: { of: number | undefined; until: bigint }[] = []
  const concerns = (of: number | undefined, guest: number) => of === undefined || of === guest || !heard.has(of)
  for (const item of items) {
    if (item.kind === 'lost') {
      guests.filter((_, guest) => concerns(item.guest, guest)).forEach(discard)
      losses.push({ of: item.guest, until: nanoseconds(item.to) })
      continue
    }
    if (item.of.key !== undefined) heard.add(item.guest)
    const now = nanoseconds(item.at)
    const unsafe = losses.some(({ of, until }) => now < until && concerns(of, item.guest))
    count(guests[item.guest] as Counting, item, unsafe)
  }
  return guests.map(({ starts, ends, replaced, lost, orphans, open, deltas }) => ({
    ...{ starts, ends, pairs: deltas.length, replaced, lost, orphans, open: open.size },
    ...figures(deltas),
  }))
}

function discard(guest: Counting): void {
  guest.lost += guest.open.size
  guest.open.clear()
}

function count(guest: Counting, { at, of }: Extract<Item, { kind: 'event' }>, unsafe: boolean): void {
  if (of.key === undefined) return
  const open = guest.open.get(of.key)
  if (!of.guest) {
    guest.starts++
    if (open) guest.replaced++
    guest.open.set(of.key, { at, unsafe })
    return
  }
  guest.ends++
  guest.open.delete(of.key)
  if (open && !open.unsafe) guest.deltas.push(Number(nanoseconds(at) - nanoseconds(open.at)))
  else guest.orphans++
  if (open?.unsafe) guest.lost++
}

export function figures(deltas: readonly number[]): Pick<Truth, 'total_ns' | 'min_ns' | 'max_ns' | 'p99_ns'> {
  const sorted = deltas.toSorted((a, b) => a - b)
  return {
    total_ns: deltas.reduce((sum, delta) => sum + BigInt(delta), 0n).toString(),
    min_ns: sorted[0] ?? 0,
    max_ns: sorted.at(-1) ?? 0,
    p99_ns: sorted[Math.max(0, Math.ceil(sorted.length * 0.99) - 1)] ?? 0,
  }
}

/** Of all guests together. */
export function added(
  truths: readonly Truth[],
): Pick<Truth, 'starts' | 'ends' | 'pairs' | 'replaced' | 'lost' | 'orphans' | 'open' | 'total_ns' | 'max_ns'> {
  const sum = (of: (truth: Truth) => number) => truths.reduce((all, truth) => all + of(truth), 0)
  return {
    starts: sum(({ starts }) => starts),
    ends: sum(({ ends }) => ends),
    pairs: sum(({ pairs }) => pairs),
    replaced: sum(({ replaced }) => replaced),
    lost: sum(({ lost }) => lost),
    orphans: sum(({ orphans }) => orphans),
    open: sum(({ open }) => open),
    total_ns: truths.reduce((all, { total_ns }) => all + BigInt(total_ns), 0n).toString(),
    max_ns: Math.max(0, ...truths.map(({ max_ns }) => max_ns)),
  }
}
