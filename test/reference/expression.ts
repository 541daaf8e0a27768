/**
 * Expressions of integers, as C has them, with nothing but BigInt: the reference for lib/expression. Names are one
 * letter; there is no text. undefined: this is more than the reference reads, or no expression; null: it has no value
 * (a division by zero, a shift too far).
 */
export type Fields = Record<string, bigint>
type Value = bigint | null

const levels = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
]
const TOKENS = /[ \t\n]*(0[xX][0-9a-fA-F]+|\d+|[a-z](?!\w)|\|\||&&|[=!<>]=|<<|>>|[-+*/%&|^~!<>?:()])/y
const TOP = 1n << 63n

class Misfit extends Error {}

export function evaluate(source: string, fields: Fields): Value | undefined {
  try {
    const tokens = tokensOf(source)
    let at = 0
    const value = choice()
    if (at < tokens.length) throw new Misfit()
    return value(fields)

    function take(...wanted: string[]): string | undefined {
      const token = tokens[at]
      if (token === undefined || !wanted.includes(token)) return undefined
      at++
      return token
    }

    type Node = (fields: Fields) => Value

    function choice(): Node {
      const test = binary(0)
      if (!take('?')) return test
      const yes = choice()
      if (!take(':')) throw new Misfit()
      const no = choice()
      return (f) => {
        const holds = test(f)
        return holds === null ? null : holds !== 0n ? yes(f) : no(f)
      }
    }

    function binary(level: number): Node {
      if (level === levels.length) return unary()
      let left = binary(level + 1)
      for (let sign = take(...(levels[level] as string[])); sign; sign = take(...(levels[level] as string[]))) {
        const [first, operator, right] = [left, sign, binary(level + 1)]
        left = (f) => {
          const l = first(f)
          if (l === null) return null
          if (operator === '&&' && l === 0n) return 0n
          if (operator === '||' && l !== 0n) return 1n
          const r = right(f)
          return r === null ? null : apply(operator, l, r)
        }
      }
      return left
    }

    function unary(): Node {
      const sign = take('-', '+', '~', '!')
      if (!sign) return primary()
      const operand = unary()
      return (f) => {
        const value = operand(f)
        if (value === null || sign === '+') return value
        if (sign === '!') return value === 0n ? 1n : 0n
        return wrapped(sign === '-' ? -value : ~value, value >= TOP)
      }
    }

    function primary(): Node {
      if (take('(')) {
        const inner = choice()
        if (!take(')')) throw new Misfit()
        return inner
      }
      const token = tokens[at++] ?? ''
      if (/^[a-z]$/.test(token)) {
        return (f) => {
          const value = f[token]
          if (value === undefined) throw new Misfit()
          return value
        }
      }
      if (!/^\d/.test(token) || /^0\d/.test(token) || BigInt(token) >= 2n * TOP) throw new Misfit()
      const value = BigInt(token)
      return () => value
    }
  } catch (error) {
    if (error instanceof Misfit || error instanceof RangeError) return undefined
    throw error
  }
}

/** Where signs touch they may be one sign of another language, or none: only what is certain is read. */
function tokensOf(source: string): string[] {
  const tokens: string[] = []
  TOKENS.lastIndex = 0
  const text = source.replace(/[ \t\n]+$/, '')
  while (TOKENS.lastIndex < text.length) {
    const found = TOKENS.exec(text)
    if (!found) throw new Misfit()
    tokens.push(found[1] as string)
  }
  if (
    /[-+*=<>&|!~^]{3,}|\+\+|--|\*\*|<>|->|=~|[-+*/%&|^~]=|\d[a-zA-Z_.]*\s*[a-z(]|[a-z\d)]\s*~|[\f\v\r]|\d\w*[g-wyzG-WYZ_.]/.test(
      text,
    )
  )
    throw new Misfit()
  return tokens
}

function wrapped(value: bigint, unsigned: boolean): bigint {
  return unsigned ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)
}

/** C11 6.3.1.8: where either is unsigned, both are. A shift has the type of its left operand. */
function apply(operator: string, left: bigint, right: bigint): Value {
  const unsigned = left >= TOP || right >= TOP
  const [l, r] = unsigned ? [BigInt.asUintN(64, left), BigInt.asUintN(64, right)] : [left, right]
  const truth = (holds: boolean) => (holds ? 1n : 0n)
  switch (operator) {
    case '||':
    case '&&':
      return truth(right !== 0n)
    case '==':
      return truth(l === r)
    case '!=':
      return truth(l !== r)
    case '<':
      return truth(l < r)
    case '<=':
      return truth(l <= r)
    case '>':
      return truth(l > r)
    case '>=':
      return truth(l >= r)
    case '<<':
    case '>>':
      if (right < 0n || right > 63n) return null
      return operator === '<<' ? wrapped(left << right, left >= TOP) : left >> right
    case '/':
    case '%':
      if (r === 0n || (!unsigned && r === -1n && l === -TOP)) return null
      return operator === '/' ? l / r : l % r
  }
  const made = { '+': l + r, '-': l - r, '*': l * r, '&': l & r, '|': l | r, '^': l ^ r }[operator] as bigint
  return wrapped(made, unsigned)
}
