/**
 * `--by cpu,args.irq`: a key made of the members the user names. One integer stays an integer; more than one,
 * or text, are joined as text.
 */
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
    const [first] = values
    if (values.length === 1 && typeof first === 'number' && Number.isSafeInteger(first)) return first
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
