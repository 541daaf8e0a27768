/** A block request of a guest on its way, and the stages that it may pass. */
import type { Stamp } from '../chain/open-path.js'
import type { Extent, Kick } from './facts.js'

/** In the order in which they come. */
export const stages = [
  'issue',
  'kick',
  'wake',
  'run',
  'sys_enter',
  'disk_issue',
  'disk_complete',
  'sys_exit',
  'msi',
  'irq',
  'complete',
] as const
export type Stage = (typeof stages)[number]

/** A path that has these is whole: the others are absent where nobody slept, or the disk was not asked. */
export const needed = ['kick', 'sys_enter', 'sys_exit', 'msi', 'irq'] as const satisfies Stage[]

export interface Request {
  extent: Extent
  cpu: number
  issued: Stamp
  /** The notify address of its queue. */
  queue: string | undefined
  kick: Kick | undefined
  /** The host's call that did it; 'unclear' where it could be another one's. */
  call: Call | 'unclear' | undefined
  /** The host had begun before the kick, or never was kicked for it. */
  unkicked: boolean
  /** It waits for its handler's end. */
  completed: boolean
}

/** A system call of the host, from its entry to its return. */
export interface Call {
  enter: Stamp
  exit: Stamp | undefined
  offset: bigint
  op: string
  /** What its thread issued to the host's disks meanwhile, and what of it has come back. */
  issued: number
  completed: number
  first: Stamp | undefined
  last: Stamp | undefined
}
