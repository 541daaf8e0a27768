/**
 * The command line, by yargs: every tool's options are read, checked and explained in the same way.
 */

import type { Options } from 'yargs'
import yargs from 'yargs'
import { type Spec, Usage } from './tool.js'

export interface CommandLine {
  options: Record<string, unknown>
  operands: string[]
  files: string[]
}

export interface Words {
  options: Record<string, unknown>
  given: string[]
  rest: string[]
}

/** Options of every tool that reads or writes records. */
export const common = {
  quiet: { alias: 'q', type: 'boolean', default: false, describe: 'no statistics on stderr' },
} as const satisfies Record<string, Options>

/** What `--help` and `--version` print, instead of a run. */
export class Answer extends Error {}

declare const VERSION: string

/** Reads the arguments after the tool's name. Throws Usage, or Answer for --help and --version. */
export function commandLine(spec: Spec, args: readonly string[]): CommandLine {
  const { options, given, rest } = words(spec, args, common)
  return { options, ...operandsOf(spec, given, rest) }
}

/** The options, the operands, and what stands after `--`. */
export function words(spec: Spec, args: readonly string[], others: Record<string, Options> = {}): Words {
  const parser = yargs([])
    .scriptName(spec.name)
    .usage(`Usage: ${spec.name} [options] ${spec.operands}\n\n${spec.name} - ${spec.summary}`)
    .locale('en')
    .options({ ...Object.fromEntries(Object.entries(spec.options).map(prepared)), ...others })
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'duplicate-arguments-array': true,
      'greedy-arrays': true,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
    })
    .strictOptions()
    .version(VERSION)
    .help()
    .alias('help', 'h')
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      throw error instanceof Usage ? error : new Usage(message ?? error.message)
    })
  for (const example of spec.examples) parser.example(example, '')
  let answer = ''
  const parsed = parser.parse([...args], {}, (_error: unknown, _argv: unknown, output: string) => {
    answer = output
  }) as Record<string, unknown> & { _: string[]; '--'?: string[] }
  if (answer) throw new Answer(answer)
  for (const [name, option] of Object.entries(spec.options)) check(name, option, parsed[name], args)
  return { options: parsed, given: parsed._, rest: parsed['--'] ?? [] }
}

/**
 * `-k A -k B`: an option that may come again takes one value each time, or `nargs` of them; any other comes once. What is
 * no switch needs its value, unless `requiresArg` is false: without one it would be as if it had not been given.
 */
function prepared([name, given]: [string, Options]): [string, Options] {
  const one = given.type !== 'boolean' && given.requiresArg !== false && given.nargs === undefined
  const option = one ? { ...given, nargs: 1 } : given
  const { array, coerce } = option
  if (array || !coerce) return [name, option]
  return [name, { ...option, coerce: (value) => (Array.isArray(value) ? value : coerce(value)) }]
}

function check(name: string, { alias, array, type }: Options, value: unknown, args: readonly string[]): void {
  if (!array && Array.isArray(value)) throw new Usage(`--${name} is given twice`)
  if (type !== 'number' || value === undefined) return
  const whole = Number.isSafeInteger(value) && (value as number) >= 0
  // an empty text, as of a variable that is not set, is 0 to yargs
  if (!whole || (value === 0 && [name, alias ?? []].flat().some((one) => isEmpty(one, args))))
    throw new Usage(`--${name} is not a whole number`)
}

function isEmpty(name: string, args: readonly string[]): boolean {
  const dashed = name.length === 1 ? `-${name}` : `--${name}`
  return args.some((arg, i) => arg === `${dashed}=` || (arg === dashed && args[i + 1] === ''))
}

function operandsOf(spec: Spec, given: string[], rest: string[]): { operands: string[]; files: string[] } {
  const own = Math.min(spec.own, given.length)
  const files = [...given.slice(own), ...rest]
  if (files.indexOf('-') !== files.lastIndexOf('-')) throw new Usage('stdin (-) is given twice')
  return { operands: given.slice(0, own), files: files.length > 0 ? files : ['-'] }
}
