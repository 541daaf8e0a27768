/**
 * What was found of a machine, and as text:
 *
 *     ok       tracefs    /sys/kernel/tracing, with instances
 *     limited  kvm        KVM's debugfs cannot be read
 *                         -> mount -t debugfs nodev /sys/kernel/debug
 */
import { oneLine } from '../drawing/visible.js'

export interface Finding {
  what: string
  /** `limited`: less than there could be. `missing`: without it there is no capture. `none`: nothing to say of it here. */
  state: 'ok' | 'limited' | 'missing' | 'none'
  says: string
  /** What to do about it. */
  advice?: string
}

const STATE_WIDTH = 9

export function findings(found: readonly Finding[]): string {
  const width = Math.max(...found.map(({ what }) => oneLine(what).length)) + 2
  return found
    .flatMap(({ what, state, says, advice }) => [
      `${state.padEnd(STATE_WIDTH)}${oneLine(what).padEnd(width)}${oneLine(says)}`,
      ...(advice ? [`${' '.repeat(STATE_WIDTH + width)}-> ${oneLine(advice)}`] : []),
    ])
    .map((line) => `${line}\n`)
    .join('')
}
