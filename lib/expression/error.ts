/**
 * What can be wrong with an expression: with its source (ExpressionError, thrown once, by compile), or with an event
 * that it is asked about (EvaluationError and MissingField, thrown for that event).
 *
 * An ExpressionError shows the place:
 *
 *   'constructor' is not a field
 *     cpu == 3 && constructor
 *                 ^
 *
 * Here `column` is 13. A long source is shown in a window of 100 columns. Control and formatting characters are
 * shown escaped, those of an event's values too: what a guest wrote never reaches a terminal as it is.
 */
import { oneLine } from '../drawing/visible.js'
export class ExpressionError extends Error {
  override name = 'ExpressionError'
  /** The first line of the message: what is wrong, without the place. */
  readonly reason: string
  /** Counted in characters, from 1. */
  readonly column: number

  constructor(reason: string, source: string, at: number, options?: ErrorOptions) {
    super(`${reason}\n${pointAt(source, at)}`, options)
    this.reason = reason
    this.column = [...source.slice(0, at)].length + 1
  }
}

export class EvaluationError extends Error {
  override name = 'EvaluationError'
}

export class MissingField extends EvaluationError {
  override name = 'MissingField'
  readonly field: string

  constructor(field: string) {
    super(`the event has no field '${field}'`)
    this.field = field
  }
}

const WIDTH = 100

function pointAt(source: string, at: number): string {
  const before = [...source.slice(Math.max(0, at - WIDTH), at)].map(oneLine)
  const after = [...source.slice(at, at + WIDTH)].map(oneLine)
  const fits = source.length <= WIDTH && width(before) + width(after) <= WIDTH
  const [left, right] = fits ? [before.join(''), after.join('')] : cutAround(before, after)
  return `  ${left}${right}\n  ${' '.repeat(left.length)}^`
}

/** Half the width is for what stands before the place, or more where little follows it; two columns for the marks. */
function cutAround(before: string[], after: string[]): [string, string] {
  const left = keep([...before].reverse(), Math.max(WIDTH / 2, WIDTH - width(after)) - 2).reverse()
  const right = keep(after, WIDTH - width(left) - 2)
  return [
    (left.length < before.length ? '…' : '') + left.join(''),
    right.join('') + (right.length < after.length ? '…' : ''),
  ]
}

function keep(pieces: string[], room: number): string[] {
  let used = 0
  const end = pieces.findIndex((piece) => {
    used += piece.length
    return used > room
  })
  return end < 0 ? pieces : pieces.slice(0, end)
}

function width(pieces: string[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}
