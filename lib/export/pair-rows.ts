/** What a format of latencies takes of a stream: pairs into their rows, everything else into the account. */
import { TYPE } from '../assembly/layout.js'
import { BadRecord, type Stage } from '../cli/tool.js'
import type { Accounts } from '../statistics/accounts.js'
import { words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { RecordView } from '../wire/record.js'

/** `rows.add` answers why a pair is of no use, as text. */
export function pairRows(
  rows: { add(record: RecordView): unknown },
  account: Accounts,
): Pick<Stage, 'event' | 'record'> {
  const pair = idOf('pair')
  return {
    event() {},
    record(record) {
      if (words[record.row + TYPE] !== pair) {
        account.take(record)
        return
      }
      const row = rows.add(record)
      if (typeof row === 'string') throw new BadRecord(row)
    },
  }
}
