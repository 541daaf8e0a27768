/**
 * The account of a pairing, as one line that closes:
 *
 *     1416 starts = 1407 pairs + 9 replaced; 1415 ends = 1407 pairs + 8 orphans
 *
 * What is 0 is left out, save the pairs.
 */

export interface Account {
  starts: number
  ends: number
  pairs: number
  replaced: number
  expired: number
  evicted: number
  lost: number
  acausal: number
  orphans: number
  /** Ends seen by the starts' own machine in a hop that leads to another: no part of it, so not in `ends`. */
  foreign: number
}

/** With the starts that are still open, at the end of a stream. */
export type ClosedAccount = Account & { open: number }

const startSide = ['replaced', 'expired', 'evicted', 'lost', 'acausal', 'open'] as const
const endSide = ['orphans', 'acausal'] as const

const NAMES = [
  'starts',
  'ends',
  'pairs',
  'replaced',
  'expired',
  'evicted',
  'lost',
  'acausal',
  'orphans',
  'foreign',
] as const

export function noAccount(): ClosedAccount {
  return { ...(Object.fromEntries(NAMES.map((name) => [name, 0])) as unknown as Account), open: 0 }
}

/** Adds to the first. Both close, and so does what comes of it. */
export function addAccount(to: ClosedAccount, more: ClosedAccount): void {
  for (const name of [...NAMES, 'open'] as const) to[name] += more[name]
}

/** What a mark tells of it; undefined where that is none. */
export function accountIn(value: unknown): ClosedAccount | undefined {
  const account = noAccount()
  for (const name of [...NAMES, 'open'] as const) {
    const count = (value as Record<string, unknown> | null)?.[name]
    if (!Number.isSafeInteger(count) || (count as number) < 0) return undefined
    account[name] = count as number
  }
  return account
}

export function accountLine(account: ClosedAccount): string {
  const { foreign } = account
  const own = foreign > 0 ? ` (${foreign} more are of the starts' own machine)` : ''
  return `${side(account, 'starts', startSide)}; ${side(account, 'ends', endSide)}${own}`
}

function side(account: ClosedAccount, whole: 'starts' | 'ends', parts: readonly (keyof ClosedAccount)[]): string {
  const shown = parts.filter((part) => account[part] !== 0).map((part) => ` + ${account[part]} ${part}`)
  return `${account[whole]} ${whole} = ${account.pairs} pairs${shown.join('')}`
}
