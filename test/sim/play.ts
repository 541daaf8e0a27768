/**
 * One host of the simulation: the recording played for each of its guests, shifted, on the host's own clock, with faults
 * that the seed chooses. The same seed plays the same, on every machine.
 */
import { type Random, random } from '../faults/random.js'
import { type Played, TSC_KHZ } from './recording.js'

export const faults = ['duplicate', 'lost', 'die', 'late'] as const
export type Fault = (typeof faults)[number]

export interface Fleet {
  hosts: number
  guests: number
  seed: number
  /** Of the recording; more than it has plays it again. */
  seconds: number
  faults: readonly Fault[]
}

/** What a host's stream has, in the order of time. */
export type Item =
  | { kind: 'event'; at: bigint; guest: number; of: Played }
  /** Events of the guest (undefined: of the host) are missing from here `to` there. */
  | { kind: 'lost'; at: bigint; guest: number | undefined; to: bigint; count: number }

export interface Host {
  name: string
  /** The host's TSC less each guest's: KVM's tsc-offset. */
  offsets: readonly bigint[]
  /** Wall clock of the TSC's 0, ns since 1970. */
  wall: bigint
  items: readonly Item[]
}

const SECOND = TSC_KHZ * 1000

export function play(fleet: Fleet, index: number, recorded: readonly Played[]): Host {
  const dice = random(fleet.seed * 1_000_003 + index)
  // up for up to 80 days: above 2^53 cycles
  const up = 1000 + dice.below(7_000_000)
  const base = BigInt(up) * BigInt(SECOND)
  const guests = Array.from({ length: fleet.guests }, (_, guest) => played(fleet, guest, recorded, dice))
  const all = guests.flat().sort((a, b) => a.at - b.at)
  const whole = fleet.faults.includes('lost') && dice.below(2) === 0 ? withoutHost(all, dice) : all
  return {
    name: `node${index + 1}`,
    // a guest's counter began when it was started
    offsets: guests.map(() => -BigInt(dice.below(up)) * BigInt(SECOND) - BigInt(dice.below(SECOND))),
    wall: 1_790_000_000_000_000_000n - (base * 1_000_000n) / BigInt(TSC_KHZ) + BigInt(dice.below(2_000_000_000)),
    items: whole.map((item) => absolute(item, base)),
  }
}

/** With times in cycles since the beginning, as numbers. */
type Relative =
  | { kind: 'event'; at: number; guest: number; of: Played }
  | { kind: 'lost'; at: number; guest: number | undefined; to: number; count: number }

function absolute(item: Relative, base: bigint): Item {
  const at = base + BigInt(item.at)
  return item.kind === 'lost' ? { ...item, at, to: base + BigInt(item.to) } : { ...item, at }
}

/** One guest's events, and the host's that concern it. */
function played({ seconds, faults }: Fleet, guest: number, recorded: readonly Played[], dice: Random): Relative[] {
  const has = (fault: Fault) => faults.includes(fault) && dice.below(3) === 0
  const shift = dice.below(2 * SECOND)
  const length = seconds * SECOND
  const begins = has('late') ? dice.below(length / 2) : 0
  const dies = has('die') ? length / 2 + dice.below(length / 2) : Number.POSITIVE_INFINITY
  const events: Relative[] = []
  for (const [at, of] of repeated(recorded, length)) {
    // the host does not know at once that a guest is gone, and knows it before its capture begins
    const seen = of.guest ? at >= begins && at < dies : at < dies + SECOND / 5
    if (seen) events.push({ kind: 'event', at: at + shift, guest, of })
  }
  const some = faults.includes('duplicate')
    ? events.flatMap((event) => (dice.below(200) === 0 ? [event, event] : [event]))
    : events
  return has('lost') ? without(some, guest, dice) : some
}

function* repeated(recorded: readonly Played[], length: number): Generator<[number, Played]> {
  const whole = (recorded.at(-1)?.at ?? 0) + SECOND
  for (let from = 0; from < length; from += whole)
    for (const of of recorded) {
      if (from + of.at >= length) return
      yield [from + of.at, of]
    }
}

/** A stretch of the guest's events is gone, and told: some milliseconds, somewhere behind its first interrupts. */
function without(events: readonly Relative[], guest: number, dice: Random): Relative[] {
  const own = events.filter((item) => item.kind === 'event' && item.of.guest)
  return gap(events, own, guest, dice)
}

/** The same of the host's own. */
function withoutHost(events: readonly Relative[], dice: Random): Relative[] {
  const own = events.filter((item) => item.kind === 'event' && !item.of.guest)
  return gap(events, own, undefined, dice)
}

function gap(
  events: readonly Relative[],
  own: readonly Relative[],
  guest: number | undefined,
  dice: Random,
): Relative[] {
  const first = own[100 + dice.below(Math.max(1, own.length - 200))]
  if (!first) return [...events]
  const to = first.at + SECOND / 100 + dice.below(SECOND / 4)
  const missing = new Set(own.filter(({ at }) => at >= first.at && at < to))
  const lost: Relative = { kind: 'lost', at: first.at, guest, to, count: missing.size }
  return events.flatMap((item) => {
    if (item === first) return [lost]
    return missing.has(item) ? [] : [item]
  })
}
