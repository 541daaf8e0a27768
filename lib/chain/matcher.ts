/**
 * Which stages an event can be of: by its name, its machine, and the stage's filter.
 *
 * An event of the function tracer is called `function`; its subject is in `ip`. A bare name in a path is that of
 * an event or of a traced function.
 */
import { EVENT, SRC } from '../assembly/layout.js'
import { compile, EvaluationError, holds, type Value } from '../expression/compile.js'
import { eventField } from '../expression/event-fields.js'
import type { Getter } from '../expression/field.js'
import { integerIn } from '../expression/integer.js'
import { matches } from '../pairing/hops.js'
import { words } from '../wire/memory.js'
import { idOf, nameOf } from '../wire/names.js'
import { memberName, type RecordView } from '../wire/record.js'
import type { EventPattern, Link, Path, Stage } from './path.js'

export interface Matcher {
  /** Stages, last one first, of which an event of this name may be, as itself or as an `until`; null: none. */
  candidates(record: RecordView): readonly number[] | null
  /** Is it this stage's event? */
  is(stage: number, record: RecordView): boolean
  /** Does it say that this stage will not come any more? */
  ends(stage: number, record: RecordView): boolean
  /** The values of a stage's links, in their order. */
  into(stage: number, record: RecordView): string[]
  out(stage: number, record: RecordView): string[]
}

type Field = (name: string) => Getter<RecordView>

const ip = memberName('ip')
/** A value that links is a number, an address or a name; what a guest makes longer is refused. */
const LONGEST_LINK = 256

interface Compiled {
  names: Names
  until: Names | undefined
  /** 0: any. */
  src: number
  where: ((record: RecordView) => Value) | undefined
  untilWhere: ((record: RecordView) => Value) | undefined
  in: ((record: RecordView) => Value)[]
  out: ((record: RecordView) => Value)[]
}

/**
 * Throws an Error that names the stage whose expression is none.
 * `nth`: the number of paths begun, the one that begins now included; its first stage can give it as a link.
 */
export function matcher({ stages, lets }: Path, nth: () => number): Matcher {
  const field = fields(lets)
  const compiled = stages.map((stage, i) =>
    compileStage(stage, field, i === 0 ? (name) => (name === 'nth' ? nth : field(name)) : field),
  )
  const byName: (readonly number[] | null)[] = []

  function candidatesOf(name: string): readonly number[] | null {
    const found = compiled.flatMap(({ names, until }, i) =>
      matches(names.text, name) || (until && matches(until.text, name)) ? [i] : [],
    )
    return found.length > 0 ? found.reverse() : null
  }

  return {
    candidates(record) {
      const id = words[record.row + EVENT] as number
      let known = byName[id]
      if (known === undefined) {
        known = isFunction(nameOf(id)) ? compiled.map((_stage, i) => i).reverse() : candidatesOf(nameOf(id))
        byName[id] = known
      }
      return known
    },
    is(stage, record) {
      const { names, src, where } = compiled[stage] as Compiled
      if (src !== 0 && words[record.row + SRC] !== src) return false
      return named(names, record) && (where === undefined || holds(where(record)))
    },
    ends(stage, record) {
      const { until, src, untilWhere } = compiled[stage] as Compiled
      if (until === undefined || (src !== 0 && words[record.row + SRC] !== src)) return false
      return named(until, record) && (untilWhere === undefined || holds(untilWhere(record)))
    },
    into: (stage, record) => valuesOf((compiled[stage] as Compiled).in, record),
    out: (stage, record) => valuesOf((compiled[stage] as Compiled).out, record),
  }
}

function valuesOf(getters: Compiled['in'], record: RecordView): string[] {
  const values = new Array<string>(getters.length)
  for (let i = 0; i < values.length; i++) values[i] = linkText((getters[i] as Compiled['in'][0])(record))
  return values
}

/** 7 and "7" are the same: a field of 8 bytes is written as text. */
function linkText(value: Value): string {
  const text = String(typeof value === 'string' ? (integerIn(value) ?? value) : value)
  if (text.length > LONGEST_LINK) throw new EvaluationError(`a link is longer than ${LONGEST_LINK} characters`)
  return text
}

function isFunction(event: string): boolean {
  return event === 'function' || event === 'ftrace:function'
}

/** The names of a stage's events. `known`: which of the interned names are among them. */
interface Names {
  text: string
  known: boolean[]
}

function named({ text, known }: Names, record: RecordView): boolean {
  const id = words[record.row + EVENT] as number
  known[id] ??= matches(text, nameOf(id))
  if (known[id]) return true
  return isFunction(nameOf(id)) && text.split(',').includes(String(record.arg(ip)))
}

function compileStage(stage: Stage, field: Field, outField: Field): Compiled {
  const links = (of: Link[], read: Field) => of.map(({ expression }) => compiledFor(stage.name, expression, read))
  const filter = (of: EventPattern | undefined) =>
    of?.where === undefined ? undefined : compiledFor(stage.name, of.where, field)
  return {
    names: { text: stage.event, known: [] },
    until: stage.until && { text: stage.until.event, known: [] },
    src: typeof stage.whose === 'object' ? idOf(stage.whose.src) : 0,
    where: filter(stage),
    untilWhere: filter(stage.until),
    in: links(stage.in, field),
    out: links(stage.out, outField),
  }
}

function compiledFor(stage: string, source: string, field: Field) {
  try {
    return compile(source, field)
  } catch (error) {
    throw new Error(`${stage}: ${(error as Error).message}`)
  }
}

/** An event's fields, hidden by the path's own names. */
function fields(lets: ReadonlyMap<string, string>): Field {
  const values = new Map<string, Value>()
  for (const [name, source] of lets) values.set(name, constantOf(name, source))
  return (name) => {
    const value = values.get(name)
    return value === undefined ? eventField(name) : () => value
  }
}

function constantOf(name: string, source: string): Value {
  const read = compile<null>(source, (field) => {
    throw new Error(`let ${name} is not a value: it names ${field}`)
  })
  return read(null)
}
