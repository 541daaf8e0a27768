/** What became of all waits, and where the guests' events lie: the lines on stderr. */
import { showDuration } from '../clock/duration.js'
import type { DelayCounts } from './delays.js'

const others = ['lost', 'backwards', 'open'] as const

/** `2389 waits = 2388 delays + 1 open; 3 ran, and it is not known since when they could have` */
export function accountLine(counts: DelayCounts): string {
  const parts = others.filter((name) => counts[name] > 0).map((name) => ` + ${counts[name]} ${name}`)
  const unseen = counts.unseen > 0 ? `; ${counts.unseen} ran, and it is not known since when they could have` : ''
  return `${many(counts.waits, 'wait')} = ${many(counts.delays, 'delay')}${parts.join('')}${unseen}`
}

export function many(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

export interface PresenceSum {
  inside: number
  outside: number
  untold: number
  furthest_ns: number
}

export function presenceLine({ inside, outside, untold, furthest_ns }: PresenceSum): string {
  if (inside + outside === 0) return 'no event of a guest to look where its vCPU ran'
  const far = outside > 0 ? `, up to ${showDuration(furthest_ns)} away` : ''
  const not = untold > 0 ? `, ${untold} not known` : ''
  return `guest events: ${inside} inside kvm_entry ... kvm_exit, ${outside} outside${far}${not}`
}
