/**
 * The tree of an expression, as grammar.peggy makes it.
 *
 * `at` is the node's place in the source: of a value its first character, of an operation its (first) sign.
 * `height` is the longest way down to a value and at most 200, so whoever walks a tree may recurse. Operators that
 * stand in a row do not make a tree higher: `a + b - c` is one chain, `a || b || c` one logic, and
 * `a ? 1 : b ? 2 : 3` one choice with two arms.
 *
 *   (cpu + 1) & 3   is   chain{ first: chain{ first: field cpu, rest: [+ 1] }, rest: [& 3] }   of height 2
 */
export type Arithmetic = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>'
export type Order = '<' | '<=' | '>' | '>='
export type Equality = '==' | '!='
export type Match = '~' | '!~'

interface Placed {
  at: number
  height: number
}

export interface Literal extends Placed {
  kind: 'integer'
  value: number | bigint
}

export interface Text extends Placed {
  kind: 'text'
  text: string
}

export interface Field extends Placed {
  kind: 'field'
  name: string
}

export interface Prefix extends Placed {
  kind: 'prefix'
  operator: '+' | '-' | '~' | '!'
  operand: Tree
}

/** Of one level of precedence, evaluated from the left. */
export interface Chain extends Placed {
  kind: 'chain'
  first: Tree
  rest: { operator: Arithmetic; at: number; operand: Tree }[]
}

export interface Compare extends Placed {
  kind: 'compare'
  operator: Order | Equality | Match
  left: Tree
  right: Tree
}

export interface Logic extends Placed {
  kind: 'logic'
  operator: '&&' | '||'
  operands: Tree[]
}

export interface Choice extends Placed {
  kind: 'choice'
  arms: { test: Tree; value: Tree }[]
  otherwise: Tree
}

export type Tree = Literal | Text | Field | Prefix | Chain | Compare | Logic | Choice
