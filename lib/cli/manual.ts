/**
 * The parts of a man page that the options tell: SYNOPSIS and OPTIONS in mdoc(7), from a tool's spec.
 */
import { common } from './options.js'
import type { Option, Tool } from './tool.js'

const answers: Record<string, Option> = {
  version: { describe: 'print the version' },
  help: { alias: 'h', describe: 'print help' },
}

/** A form for each alternative of the operands: `.Nm pair`, then options and operands, a line each. */
export function synopsis({ spec, kind }: Tool): string {
  const forms = spec.operands.split(' | ').map((form) =>
    form
      .split(' ')
      .filter((word) => word !== '')
      .map(operand),
  )
  const none = kind === 'command' && Object.keys(spec.options).length === 0
  const option = none ? [] : ['.Op Ar option ...']
  return ['.Sh SYNOPSIS', ...forms.flatMap((form) => [`.Nm ${spec.name}`, ...option, ...joined(form)])]
    .filter((line) => line !== '')
    .join('\n')
}

export function options({ spec, kind }: Tool): string {
  const all: Record<string, Option> = { ...spec.options, ...(kind === 'command' ? {} : common), ...answers }
  const items = Object.entries(all).flatMap(([name, option]) => [
    `.It ${flags(name, option)}`,
    mdoc(sentence(option.describe ?? '')),
    ...fallback(option),
  ])
  return ['.Sh OPTIONS', '.Bl -tag -width Ds', ...items, '.El'].join('\n')
}

/** `<start>`, `[file...]`, `[<end>...]`, `'<pipeline>'`; a bare word and `--` stand for themselves. */
function operand(word: string): string {
  if (word === '--') return '.Fl -'
  if (/^[a-z]+$/.test(word)) return `.Cm ${word}`
  const name = word.replaceAll(/[<>[\]']/g, '').replace('...', ' ...')
  return word.startsWith('[') ? `.Op Ar ${name}` : `.Ar ${name}`
}

/** `[-- file...]` was split at its blank. */
function joined(form: string[]): string[] {
  return form.join('\n').replace('.Op Ar --\n.Ar ', '.Op Fl - Ar ').split('\n')
}

function flags(name: string, option: Option): string {
  const { alias } = option
  const value = placeholder(option)
  return `${alias === undefined ? '' : `Fl ${String(alias)} , `}Fl -${name}${value ? ` Ar ${value}` : ''}`
}

/** What stands for the value: the choices, the name it has, or the capitals that the description begins with. */
function placeholder({ choices, value, type, nargs, describe = '' }: Option): string {
  if (choices) return choices.join(' | ')
  if (value) return value
  if (type === 'number') return 'n'
  if (type !== 'string') return ''
  const [, capitals] = /^([A-Z][A-Z=:,[\].]*(?: [A-Z]+)*)[:;] /.exec(describe) ?? []
  if (capitals) return capitals.toLowerCase()
  return nargs === 2 ? 'start end' : 'value'
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}.`
}

function fallback({ default: value }: Option): string[] {
  const none = value === undefined || value === false || (Array.isArray(value) && value.length === 0)
  return none ? [] : [`Default: ${mdoc(String(value))}.`]
}

/** Text as mdoc has it: no control character first, no bare backslash, options with a real minus, `code` quoted. */
function mdoc(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replace(/^([.'])/, '\\&$1')
    .replaceAll(/(^|\s)--?(?=\w)/g, (dashes) => dashes.replaceAll('-', '\\-'))
    .replaceAll(/`([^`]*)`/g, '\\(oq$1\\(cq')
}
