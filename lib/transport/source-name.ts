/**
 * The receiver's word for who saw it. `src` is set on every event and on each record that has or should have one;
 * `vm`, `start_src` and `end_src` where a record has them. What stands inside of `args` is the kernel's.
 */
import { HAS, HAS_SRC, HAS_SRC_MORE, LINE, OWN, SRC, TYPE, VM } from '../assembly/layout.js'
import { allocate, bytes, scanner, words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import { memberName, type RecordView, type Renderer } from '../wire/record.js'

export interface SourceName {
  /** Passes the record on under the name. The row is changed: its line is rendered when somebody wants it. */
  pass(record: RecordView, out: Out): void
  /** The members of a record, with the name. */
  named(members: Record<string, unknown>): Record<string, unknown>
}

/** Types of records that say whose they are. */
const OWNED = ['stream', 'clock', 'lost', 'end', 'pair']

export function sourceName(src: string): SourceName {
  const id = idOf(src)
  const vm = memberName('vm')
  const quoted = JSON.stringify(src)
  const length = Buffer.byteLength(quoted)
  const address = allocate(length + 16)
  bytes.write(quoted, address, 'utf8')
  const owned = new Set([0, ...OWNED.map(idOf)])

  const renderer: Renderer = {
    render: (row, to) =>
      scanner.putWithSource(
        to,
        words[row + OWN] as number,
        row << 2,
        address,
        length,
        owned.has(words[row + TYPE] as number),
      ),
  }

  return {
    pass(record, out) {
      const { row } = record
      const has = words[row + HAS] as number
      if (has & HAS_SRC || owned.has(words[row + TYPE] as number)) words[row + SRC] = id
      if (has & HAS_SRC_MORE && record.json(vm) !== undefined) words[row + VM] = id
      words[row + OWN] = words[row + LINE] as number
      words[row + LINE] = 0
      out.emit(row, renderer)
    },
    named({ type, version, src: _, vm: of, start_src, end_src, ...rest }) {
      const claims = Object.entries({ vm: of, start_src, end_src }).filter(([, value]) => value !== undefined)
      return { type, version, src, ...rest, ...Object.fromEntries(claims.map(([name]) => [name, src])) }
    },
  }
}
