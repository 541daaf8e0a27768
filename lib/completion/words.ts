/**
 * What can stand on a tool's command line, from its spec: the same options that make `--help` and the man page.
 * The shells' scripts are made of it.
 */
import { common } from '../cli/options.js'
import type { Option, Tool } from '../cli/tool.js'

export interface Flag {
  /** `--policy`, and `-q` where there is a short one. */
  names: string[]
  describe: string
  /** What its value can be; undefined: it has none. */
  value: Value | undefined
  /** It may come again. */
  again: boolean
}

/** Words to choose from, a file, names of trace events, of a kernel function, or what only the user knows. */
export type Value = { kind: 'words'; words: string[] } | { kind: 'file' | 'events' | 'function' | 'any' }

export interface Command {
  name: string
  /** Typed as it is; others are words behind `vmpipe`. */
  alone: boolean
  summary: string
  flags: Flag[]
  /** Words that may stand where operands stand, beside files. */
  operands: string[]
  /** Files may stand there, too. */
  files: boolean
}

const answers: Record<string, Option> = {
  help: { alias: 'h', describe: 'print help' },
  version: { describe: 'print the version' },
}

/** A tool whose name the shell takes for a word of its own, whose completion stays as it is. */
const ofTheShell = ['export']

/** Tools whose name is `vmpipe WORD` are that word. */
export function commandOf({ spec, kind }: Pick<Tool, 'spec' | 'kind'>): Command {
  const options: Record<string, Option> = { ...spec.options, ...(kind === 'command' ? {} : common), ...answers }
  const name = spec.name.replace(/^vmpipe /, '')
  return {
    name,
    alone: name === spec.name && !ofTheShell.includes(name),
    summary: spec.summary,
    flags: Object.entries(options).map(([name, option]) => flagOf(name, option)),
    operands: operandWords(spec.operands),
    files: /file|target|argument/.test(spec.operands),
  }
}

/** Commands whose own lines are completed. */
export function namesAlone(commands: readonly Command[]): string[] {
  return commands.filter(({ alone }) => alone).map(({ name }) => name)
}

function flagOf(name: string, option: Option): Flag {
  const aliases = [option.alias ?? []].flat()
  return {
    names: [`--${name}`, ...aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`))],
    describe: option.describe ?? '',
    value: valueFor(option),
    again: option.array === true,
  }
}

function valueFor({ choices, type, value = '' }: Option): Value | undefined {
  if (choices) return { kind: 'words', words: choices.map(String) }
  if (type !== 'string' && type !== 'number') return undefined
  if (value === 'events' || value === 'function') return { kind: value }
  return { kind: /\b(file|folder|path)$/.test(value) ? 'file' : 'any' }
}

/** Bare words of a synopsis are commands: `ping | exec -- <command>` has `ping` and `exec`. */
function operandWords(operands: string): string[] {
  return operands.split(' | ').flatMap((form) => form.split(' ').filter((word) => /^[a-z][a-z-]+$/.test(word)))
}
