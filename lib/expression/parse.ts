/**
 * Source to tree, or an ExpressionError that points at the place.
 *
 * The grammar refuses by itself what it can name (an octal number, `f(x)`, a string without an end). Where nothing
 * fits, the parser only knows how far it came; what stands there says what was probably meant:
 *
 *   irq = 28     '=' assigns, and an expression cannot: did you mean ==?   (column 5)
 */
import { oneLine } from '../drawing/visible.js'
import { ExpressionError } from './error.js'
import { SyntaxError as Misfit, parse as parseGrammar } from './grammar.peggy'
import type { Tree } from './tree.js'

/** In characters: far more than anyone writes, few enough to be parsed in milliseconds. */
const LONGEST = 64 * 1024

export function parse(source: string): Tree {
  if (source.length > LONGEST) throw new ExpressionError('the expression is longer than 64 KiB', source, LONGEST)
  if (source.trim() === '') throw new ExpressionError('the expression is empty', source, 0)
  try {
    return parseGrammar(source) as Tree
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    const at = error.location.start.offset
    throw new ExpressionError(reasonOf(error, source.slice(at)), source, at)
  }
}

const MEANT = new Map([
  ['===', '=='],
  ['!==', '!='],
  ['<>', '!='],
  ['=~', '~'],
  ['~=', '~'],
  ['=>', '>='],
  ['and', '&&'],
  ['or', '||'],
])
const FOREIGN_SIGN = /^(===|!==|=~|~=|<>|\*\*|=>|->|\+\+|--)/
const ASSIGNMENT = /^(<<|>>|&&|\|\||[-+*/%&|^])?=(?!=)/
const FOREIGN_CHARACTER = /^[^\w\s"'()?:<>=!~&|^+\-*/%]/u
const WORD = /^\w+/
const SIGN = /^(==|!=|!~|<=|>=|<<|>>|&&|\|\|)/

function reasonOf(error: Misfit, rest: string): string {
  if (!error.expected) return oneLine(error.message)
  const wantsValue = error.expected.some(({ description }) => description === 'a value')
  if (rest === '') return 'the expression ends where a value is missing'
  const foreign = FOREIGN_SIGN.exec(rest)?.[0]
  if (foreign !== undefined) return `'${foreign}' is not an operator${hint(foreign)}`
  const assignment = ASSIGNMENT.exec(rest)?.[0]
  if (assignment !== undefined) return assigns(assignment)
  const odd = FOREIGN_CHARACTER.exec(rest)?.[0]
  if (odd !== undefined) return `'${oneLine(odd)}' means nothing in an expression`
  return misplaced(rest, wantsValue)
}

function assigns(sign: string): string {
  return `'${sign}' assigns, and an expression cannot${sign === '=' ? ': did you mean ==?' : ''}`
}

function hint(sign: string): string {
  const meant = MEANT.get(sign)
  return meant === undefined ? '' : `: did you mean ${meant}?`
}

function misplaced(rest: string, wantsValue: boolean): string {
  const word = WORD.exec(rest)?.[0]
  const token = word?.slice(0, 40) ?? SIGN.exec(rest)?.[0] ?? oneLine(String.fromCodePoint(rest.codePointAt(0) ?? 0))
  if (wantsValue) return `a value is missing before '${token}'`
  if (word !== undefined && MEANT.has(word)) return `'${word}' is not an operator${hint(word)}`
  if (token === ')') return "')' closes nothing"
  if (token === ':') return "':' has no '?'"
  return `an operator is missing before '${token}'`
}
