/**
 * The account of the paths that were begun, as one line that closes:
 *
 *     148 started = 139 completed + 2 broken + 7 open (stopped before vm2_msi 2, vm1_irq 7)
 *
 * What is 0 is left out, save the completed ones.
 */
import { textOf } from '../wire/plain-text.js'

export interface Account {
  started: number
  completed: number
  /** A stage came too late, or an event said that it would not come or that another path's events were taken. */
  broken: number
  replaced: number
  expired: number
  evicted: number
  lost: number
  acausal: number
}

/** With the paths that are still open, at the end of a stream, and where those stopped that were not completed. */
export type ClosedAccount = Account & { open: number; stopped: ReadonlyMap<string, number> }

const ends = ['broken', 'replaced', 'expired', 'evicted', 'lost', 'acausal', 'open'] as const

/** How a path can end that is not completed. */
export type Ending = Exclude<keyof Account, 'started' | 'completed'>

export interface Tally {
  readonly counts: Account
  /** One ended so, for the lack of this stage. */
  ended(why: Ending, stage: number): void
  /** With those that are still open, by the stages that they lack. */
  close(open: readonly number[]): ClosedAccount
}

export function tallying(stages: readonly { name: string }[]): Tally {
  const counts: Account = {
    started: 0,
    completed: 0,
    broken: 0,
    replaced: 0,
    expired: 0,
    evicted: 0,
    lost: 0,
    acausal: 0,
  }
  const stopped = stages.map(() => 0)
  return {
    counts,
    ended(why, stage) {
      counts[why]++
      stopped[stage] = (stopped[stage] as number) + 1
    },
    close(open) {
      const all = stages.map(({ name }, i): [string, number] => [
        name,
        (stopped[i] as number) + open.filter((stage) => stage === i).length,
      ])
      return { ...counts, open: open.length, stopped: new Map(all.filter(([, count]) => count > 0)) }
    },
  }
}

export function accountLine(account: ClosedAccount): string {
  const shown = ends.filter((end) => account[end] !== 0).map((end) => ` + ${account[end]} ${end}`)
  const stopped = stoppedText(account)
  const where = stopped === '' ? '' : ` (stopped before ${stopped})`
  return `${account.started} started = ${account.completed} completed${shown.join('')}${where}`
}

/** `vm2_msi 2, vm1_irq 7`, in the order of the path. */
export function stoppedText({ stopped }: ClosedAccount): string {
  return [...stopped].map(([stage, count]) => `${stage} ${count}`).join(', ')
}

/** The summary of chain or io-path: `path: 148 started, 147 completed, 1 lost`; what is 0 is left out. */
export function toldAccount({ path, ...counts }: Record<string, unknown>): string {
  const shown = ['started', 'completed', 'gaps', 'unclear', 'requeued', ...ends, 'bad']
  const parts = shown.filter((name) => typeof counts[name] === 'number' && (counts[name] !== 0 || name === 'completed'))
  const stopped = counts.stopped_before === undefined ? '' : `; stopped before ${textOf(counts.stopped_before)}`
  return `${textOf(path)}: ${parts.map((name) => `${counts[name]} ${name}`).join(', ')}${stopped}`
}
