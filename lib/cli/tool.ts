/**
 * What a tool is: its spec (from which options, help, man page and completion come) and what it does with
 * records. A filter is a function from options to a stage; a source finds its records itself (order, parse).
 */
import type { InferredOptionTypes, Options } from 'yargs'
import type { Colours } from '../drawing/colour.js'
import type { Scan } from '../wire/input.js'
import type { Out } from '../wire/output.js'
import type { RecordView } from '../wire/record.js'
import type { Meter, Source } from '../wire/source.js'

/** An option as yargs has it, and what its value is called in the man page. */
export interface Option extends Options {
  value?: string
}

export interface Spec<O extends Record<string, Option> = Record<string, Option>> {
  name: string
  summary: string
  /** As in a synopsis: `<expression> [file...]`. */
  operands: string
  /** How many operands are the tool's own before the files begin; Infinity: files only after `--`. */
  own: number
  options: O
  examples: readonly string[]
}

/** Counts, in the order they are said: `{ pairs: 12, orphans: 0 }`. */
export type Counts = Record<string, number | string | bigint | undefined>

export interface Stage {
  /** One event. Where there is none, events pass. */
  event?(record: RecordView, out: Out): void
  /** One record that has a type. Where there is none, it passes. */
  record?(record: RecordView, out: Out): void
  /**
   * Asked before more is read: the promise that more can be taken, where it cannot be now. So who carries records
   * away holds the reading up, and holds no more than what was read at once.
   */
  ready?(): Promise<void> | undefined
  /** It knows all it needs from its options: where no file is named, stdin is not read. */
  alone?: boolean
  /** An input that is about to be read, by a stage that takes other lines than records: how they are scanned. */
  look?(source: Source): Promise<{ source: Source; scan?: Scan }>
  /** The input is over: what is left goes out. Answers what was counted. */
  end?(out: Out): Summary | undefined | Promise<Summary | undefined>
}

export interface Summary {
  /** One short line on stderr; left out with --quiet. */
  line: string
  /** The members of the `summary` record; undefined: this tool writes none (it is the end of a pipe). */
  counts?: Counts
}

/** What a tool may ask of the process it runs in. */
export interface Context {
  /** A message on stderr. */
  warn(message: string): void
  /** The same, and the status will be 1. */
  problem(message: string): void
  /** Something of this record is wrong: said with file and line, counted, status 1. */
  bad(where: string, message: string): void
  /** ^C, SIGTERM: `stop` is called once, and should make reads end. */
  onStop(stop: () => void): void
  /** The same at once: for who makes records and has nobody before it. */
  onSignal(stop: () => void): void
  /** A file is about to be read; how far, its meter tells. */
  reading?(meter: Meter): void
  /** A promise where the stages that take the records cannot take more now; `nextBatch` awaits it. */
  ready?(): Promise<void> | undefined
  /** What goes to a person at the end (a table): bytes to stdout past the records. */
  print(text: string): void
  /** stdout, where it is a terminal that can do more than print, and this tool the last of its pipe. */
  readonly terminal?: Terminal
  /** Operands after the tool's own: where to read; `-` is stdin. */
  readonly files: readonly string[]
  /** The tool's own operands. */
  readonly operands: readonly string[]
}

export interface Terminal {
  readonly colours: Colours
  columns(): number
  rows(): number
  /** Prints lines in the place of those it printed before, if these have stood there for so many ms. */
  show(text: string, ms: number): void
}

export type OptionValues<O extends Record<string, Options>> = InferredOptionTypes<O>

export interface Tool {
  readonly spec: Spec
  readonly kind: 'filter' | 'source' | 'command'
  /** A filter's stage. */
  stage(options: unknown, context: Context): Stage
  /** A source's run: everything it finds goes to `out`. */
  source(options: unknown, context: Context, out: Out): Promise<Summary | undefined>
  /** What neither reads nor writes records, from its arguments; answers the status. */
  command?(args: readonly string[], spec: Spec): Promise<number>
}

/** One record cannot be used; thrown by a stage, reported with the record's place, and the rest goes on. */
export class BadRecord extends Error {}

/** The command line cannot be used: status 2. */
export class Usage extends Error {}

/** The run cannot go on: one line, and status 1 where nothing else is said. */
export class Failure extends Error {
  readonly status: number
  constructor(message: string, status = 1) {
    super(message)
    this.status = status
  }
}

export function filter<O extends Record<string, Options>>(
  spec: Spec<O>,
  stage: (options: OptionValues<O>, context: Context) => Stage,
): Tool {
  return {
    spec,
    kind: 'filter',
    stage: stage as Tool['stage'],
    source: () => Promise.reject(new Error(`${spec.name} is a filter`)),
  }
}

export function source<O extends Record<string, Options>>(
  spec: Spec<O>,
  run: (options: OptionValues<O>, context: Context, out: Out) => Promise<Summary | undefined>,
): Tool {
  return {
    spec,
    kind: 'source',
    stage() {
      throw new Error(`${spec.name} is a source`)
    },
    source: run as Tool['source'],
  }
}

export function command(spec: Spec, run: NonNullable<Tool['command']>): Tool {
  const never = () => {
    throw new Error(`${spec.name} is a command`)
  }
  return { spec, kind: 'command', stage: never, source: never, command: run }
}
