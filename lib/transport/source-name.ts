/**
 * The receiver's word for who saw it. `src` is set on every record, whatever its type: the account of a filter that ran
 * in the guest is the guest's word, too. `vm`, `start_src` and `end_src` are set where a record has them, also in the
 * stages of a chain. What stands inside of `args` is the kernel's.
 */
import { HAS, HAS_SRC_MORE, LINE, OWN, SRC, TYPE, VM } from '../assembly/layout.js'
import type { Members } from '../wire/comment.js'
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

export function sourceName(src: string): SourceName {
  const id = idOf(src)
  const vm = memberName('vm')
  const quoted = JSON.stringify(src)
  const length = Buffer.byteLength(quoted)
  const address = allocate(length + 16)
  bytes.write(quoted, address, 'utf8')
  const chain = idOf('chain')
  const stages = memberName('stages')

  const renderer: Renderer = {
    render: (row, to) => scanner.putWithSource(to, words[row + OWN] as number, row << 2, address, length, true),
  }

  function named({ type, version, src: _, vm: of, start_src, end_src, ...rest }: Members): Members {
    const claims = Object.entries({ vm: of, start_src, end_src }).filter(([, value]) => value !== undefined)
    return { type, version, src, ...rest, ...Object.fromEntries(claims.map(([name]) => [name, src])) }
  }

  /** Each stage of a path says whose event it was. */
  function passChain(record: RecordView, out: Out): void {
    const members: Members = JSON.parse(record.line)
    const list = Array.isArray(members.stages) ? members.stages : []
    const own = list.map((stage) => (typeof stage === 'object' && stage?.src !== undefined ? { ...stage, src } : stage))
    out.write(JSON.stringify(named({ ...members, stages: own })))
  }

  return {
    named,
    pass(record, out) {
      const { row } = record
      if (words[row + TYPE] === chain && record.json(stages) !== undefined) {
        passChain(record, out)
        return
      }
      const has = words[row + HAS] as number
      words[row + SRC] = id
      if (has & HAS_SRC_MORE && record.json(vm) !== undefined) words[row + VM] = id
      words[row + OWN] = words[row + LINE] as number
      words[row + LINE] = 0
      out.emit(row, renderer)
    },
  }
}
