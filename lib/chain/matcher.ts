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

const ip = memberName('ip')
/** A value that links is a number, an address or a name; what a guest makes longer is refused. */
const LONGEST_LINK = 256

interface Compiled {
  names: string
  until: string | undefined
  /** 0: any. */
  src: number
  where: ((record: RecordView) => Value) | undefined
  untilWhere: ((record: RecordView) => Value) | undefined
  in: ((record: RecordView) => Value)[]
  out: ((record: RecordView) => Value)[]
}

/** Throws an Error that names the stage whose expression is none. */
export function matcher({ stages, lets }: Path): Matcher {
  const field = fields(lets)
  const compiled = stages.map((stage) => compileStage(stage, field))
  const byName: (readonly number[] | null)[] = []

  function candidatesOf(name: string): readonly number[] | null {
    const found = compiled.flatMap(({ names, until }, i) =>
      matches(names, name) || (until && matches(until, name)) ? [i] : [],
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
    into: (stage, record) => (compiled[stage] as Compiled).in.map((read) => linkText(read(record))),
    out: (stage, record) => (compiled[stage] as Compiled).out.map((read) => linkText(read(record))),
  }
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

function named(names: string, record: RecordView): boolean {
  const { event } = record
  if (matches(names, event)) return true
  return isFunction(event) && names.split(',').includes(String(record.arg(ip)))
}

function compileStage(stage: Stage, field: (name: string) => Getter<RecordView>): Compiled {
  const links = (of: Link[]) => of.map(({ expression }) => compiledFor(stage.name, expression, field))
  const filter = (of: EventPattern | undefined) =>
    of?.where === undefined ? undefined : compiledFor(stage.name, of.where, field)
  return {
    names: stage.event,
    until: stage.until?.event,
    src: typeof stage.whose === 'object' ? idOf(stage.whose.src) : 0,
    where: filter(stage),
    untilWhere: filter(stage.until),
    in: links(stage.in),
    out: links(stage.out),
  }
}

function compiledFor(stage: string, source: string, field: (name: string) => Getter<RecordView>) {
  try {
    return compile(source, field)
  } catch (error) {
    throw new Error(`${stage}: ${(error as Error).message}`)
  }
}

/** An event's fields, hidden by the path's own names. */
function fields(lets: ReadonlyMap<string, string>): (name: string) => Getter<RecordView> {
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
