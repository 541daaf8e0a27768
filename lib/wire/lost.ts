/**
 * The `lost` record: `count` events of `src` (on `cpu`, where known) are missing between `from` and `to`,
 * times on the clock of its events.
 */
import { SRC } from '../assembly/layout.js'
import { words } from './memory.js'
import { memberName, type RecordView } from './record.js'

export interface Loss {
  /** Interned; 0 is unknown. */
  src: number
  cpu: number | undefined
  count: number | undefined
  from: bigint | undefined
  to: bigint | undefined
}

const count = memberName('count')
const from = memberName('from')
const to = memberName('to')

export function lossOf(record: RecordView): Loss {
  const counted = record.member(count)
  return {
    src: words[record.row + SRC] as number,
    cpu: record.cpu,
    count: Number.isSafeInteger(counted) && (counted as number) >= 0 ? (counted as number) : undefined,
    from: timeOf(record.member(from)),
    to: timeOf(record.member(to)),
  }
}

/** A time in a member that is no column of the row. */
export function timeOf(value: unknown): bigint | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
  if (typeof value === 'string' && /^-?\d{1,20}$/.test(value)) return BigInt.asIntN(64, BigInt(value))
  return undefined
}
