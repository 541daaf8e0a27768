/**
 * The receiver's word for who saw it. `src` is set on every record, whatever its type: the account of a filter that ran
 * in the guest is the guest's word, too. `vm`, `start_src` and `end_src` are set where a record has them, also in the
 * stages of a chain. What stands inside of `args` is the kernel's.
 *
 * A guest gets one name, whatever it says (`sourceName`). A host that carries several machines' events keeps their
 * names apart, each behind its own (`hostNames`): `vm1` of node7 is `node7/vm1`. What says no name is `node7`.
 */
import { HAS, HAS_SRC_MORE, LINE, OWN, SRC, TYPE, VM } from '../assembly/layout.js'
import { allocate, bytes, scanner, words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import { memberName, type RecordView, type Renderer } from '../wire/record.js'

export interface SourceName {
  /** Whose a loss is: the one name of all that came, or the host's. */
  readonly only: string
  /** Passes the record on under the name. The row is changed: its line is rendered when somebody wants it. */
  pass(record: RecordView, out: Out): void
  /** The members of a record, with the name. */
  named(members: Record<string, unknown>): Record<string, unknown>
}

const vm = memberName('vm')
const stages = memberName('stages')

export function sourceName(src: string): SourceName {
  const id = idOf(src)
  return {
    only: src,
    pass: passing(
      JSON.stringify(src),
      false,
      () => id,
      () => src,
    ),
    named: naming(() => src),
  }
}

/** Throws a RangeError where there are too many names, or one is too long. */
export function hostNames(host: string): SourceName {
  const known: (number | undefined)[] = []
  let first: number | undefined
  let several = false

  function nameFor(said: unknown): string {
    return typeof said === 'string' && said !== '' ? `${host}/${said}` : host
  }

  function idFor(of: number): number {
    const id = known[of]
    if (id !== undefined) return id
    const made = idOf(nameFor(nameOf(of)))
    known[of] = made
    return made
  }

  const pass = passing(JSON.stringify(`${host}/`).slice(0, -1), true, idFor, nameFor)
  return {
    get only() {
      return several || first === undefined ? host : nameOf(idFor(first))
    },
    pass(record, out) {
      if (words[record.row + TYPE] === 0) {
        const of = words[record.row + SRC] as number
        // throws where there is no room for it: it is not the name of a loss then, either
        idFor(of)
        first ??= of
        if (first !== of) several = true
      }
      pass(record, out)
    },
    named: naming(nameFor),
  }
}

/** `prefix`: the text, without its closing quote, stands before what the line says. */
function passing(
  text: string,
  prefix: boolean,
  idFor: (of: number) => number,
  name: (said: unknown) => string,
): SourceName['pass'] {
  const length = Buffer.byteLength(text)
  const address = allocate(length + 16)
  bytes.write(text, address, 'utf8')
  const chain = idOf('chain')

  const renderer: Renderer = {
    render: (row, to) => scanner.putWithSource(to, words[row + OWN] as number, row << 2, address, length, true, prefix),
  }

  /** Each stage of a path says whose event it was. */
  function passChain(record: RecordView, out: Out): void {
    const { members } = record
    const list: unknown[] = Array.isArray(members.stages) ? members.stages : []
    const own = list.map((stage) =>
      typeof stage === 'object' && stage && 'src' in stage ? { ...stage, src: name(stage.src) } : stage,
    )
    out.write(JSON.stringify(naming(name)({ ...members, stages: own })))
  }

  return (record, out) => {
    const { row } = record
    if (words[row + TYPE] === chain && record.json(stages) !== undefined) {
      passChain(record, out)
      return
    }
    const has = words[row + HAS] as number
    words[row + SRC] = idFor(words[row + SRC] as number)
    if (has & HAS_SRC_MORE && record.json(vm) !== undefined) words[row + VM] = idFor(words[row + VM] as number)
    words[row + OWN] = words[row + LINE] as number
    words[row + LINE] = 0
    out.emit(row, renderer)
  }
}

function naming(name: (said: unknown) => string): SourceName['named'] {
  return ({ type, version, src, vm: of, start_src, end_src, ...rest }) => {
    const claims = Object.entries({ vm: of, start_src, end_src }).filter(([, value]) => value !== undefined)
    return {
      type,
      version,
      src: name(src),
      ...rest,
      ...Object.fromEntries(claims.map(([key, said]) => [key, name(said)])),
    }
  }
}
