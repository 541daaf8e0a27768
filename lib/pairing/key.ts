/**
 * `--by cpu,args.irq`: a key made of the members the user names. One integer stays an integer; more than one,
 * or text, are joined as text.
 */
import { integerIn } from '../expression/integer.js'
import { memberName, type RecordView, type Scalar } from '../wire/record.js'

type Getter = (record: RecordView) => Scalar | undefined

const columns: Record<string, Getter> = {
  cpu: (record) => record.cpu,
  pid: (record) => record.pid,
  comm: (record) => record.comm,
  src: (record) => record.src,
  vm: (record) => record.vm || undefined,
  key: (record) => record.key,
}

/** Throws an Error where the text names no members. An event without one of them has no key. */
export function keyByMembers(text: string): (record: RecordView) => number | string | undefined {
  const getters = text.split(',').map(getterOf)
  return (record) => {
    const values = getters.map((get) => get(record))
    if (values.includes(undefined)) return undefined
    // 7 and "7" are the same: a field of 8 bytes is written as text
    const integer = values.length === 1 ? integerIn(String(values[0])) : undefined
    if (typeof integer === 'number') return integer
    return values.map((value) => JSON.stringify(String(value))).join(',')
  }
}

function getterOf(name: string): Getter {
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined
  if (column) return column
  if (!/^(args\.)?\w+$/.test(name)) throw new Error(`--by: ${JSON.stringify(name)} is not a member of an event`)
  const member = memberName(name.replace(/^args\./, ''))
  return (record) => record.arg(member)
}
