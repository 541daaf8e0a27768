/**
 * The parts of a man page that the options tell: SYNOPSIS and OPTIONS in mdoc(7), from a tool's spec.
 */
import type { Options } from 'yargs'
import { common } from './options.js'
import type { Spec } from './tool.js'

export function synopsis(spec: Spec): string {
  return ['.Sh SYNOPSIS', `.Nm ${spec.name}`, '.Op Ar option ...', ...operands(spec)].join('\n')
}

export function options(spec: Spec): string {
  const all = {
    ...spec.options,
    ...common,
    version: { describe: 'print the version' },
    help: { alias: 'h', describe: 'print help' },
  }
  const items = Object.entries<Options>(all).flatMap(([name, option]) => [
    `.It ${flags(name, option)}`,
    `${mdoc(sentence(option.describe ?? ''))}${fallback(option)}`,
  ])
  return ['.Sh OPTIONS', '.Bl -tag -width Ds', ...items, '.El'].join('\n')
}

function operands({ operands: text }: Spec): string[] {
  return text === '' ? [] : [`.Ar ${mdoc(text.replaceAll(/[<>]/g, ''))}`]
}

function flags(name: string, { alias, type, choices }: Options): string {
  const value = choices
    ? choices.join(' | ')
    : type === 'string' || type === 'number'
      ? type === 'number'
        ? 'n'
        : 'value'
      : ''
  const short = alias === undefined ? '' : `Fl ${String(alias)} , `
  return `${short}Fl -${name}${value ? ` Ar ${value}` : ''}`
}

function sentence(text: string): string {
  return `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}.`
}

function fallback(option: Options): string {
  const value = option.default
  return value === undefined || value === false ? '' : `\nDefault: ${mdoc(String(value))}.`
}

/** A line of mdoc must not begin with a control character, nor hold a bare backslash. */
function mdoc(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replace(/^([.'])/, '\\&$1')
    .replaceAll('-', '\\-')
}
