/**
 * The glob patterns of the kernel's event filters (kernel/trace/trace_events_filter.c, lib/glob.c): the whole text
 * must match; `*` is any run of characters, `?` is one, `[a-z_]` one of these, `[!a-z]` one that is none of them, and
 * `\` takes the next character as it is. A `[` that nothing closes stands for itself.
 *
 * The stars cut a pattern into pieces of fixed length. The first must stand at the start of the text, the last at
 * its end, and each between is taken at the leftmost place after the one before: whatever a place further right
 * allows, this one does too, so nothing is ever tried again. `virtio*-in?ut*` against "virtio0-input.0":
 *
 *   `virtio` at 0, then `-in?ut` first found at 7 to 13, then nothing at the end, 15   ⇒ matches
 *
 * The time is the text's length times that of the longest piece, which a pattern's limit bounds.
 */
export type Matcher = (text: string) => boolean

/** MAX_FILTER_STR_VAL of include/linux/trace_events.h. */
export const LONGEST_PATTERN = 256

export function glob(pattern: string): Matcher {
  const pieces = piecesOf([...pattern])
  const first = pieces[0] ?? EMPTY
  if (pieces.length === 1) return (text) => first.matches(text, 0) === text.length
  const last = pieces[pieces.length - 1] ?? EMPTY
  const between = pieces.slice(1, -1).filter(({ length }) => length > 0)
  return (text) => {
    let at = first.matches(text, 0)
    for (const piece of between) {
      if (at < 0) return false
      at = piece.find(text, at)
    }
    if (at < 0) return false
    const start = last.before(text)
    return start >= at && last.matches(text, start) >= 0
  }
}

/** All but `length` give a place in the text, in UTF-16 units, or -1. */
interface Piece {
  /** In characters. */
  length: number
  /** Where the piece ends that begins at `at`. */
  matches(text: string, at: number): number
  /** Where the leftmost one ends that begins at `from` or later. */
  find(text: string, from: number): number
  /** Where one must begin that ends with the text. */
  before(text: string): number
}

type Test = (code: number) => boolean

function literal(characters: string[]): Piece {
  const wanted = characters.join('')
  const units = wanted.length
  return {
    length: characters.length,
    matches: (text, at) => (text.startsWith(wanted, at) ? at + units : -1),
    find(text, from) {
      const at = text.indexOf(wanted, from)
      return at < 0 ? -1 : at + units
    },
    before: (text) => text.length - units,
  }
}

const EMPTY = literal([])

function wildcard(tests: Test[]): Piece {
  const matches = (text: string, at: number): number => {
    for (const test of tests) {
      const code = text.codePointAt(at)
      if (code === undefined || !test(code)) return -1
      at += unitsOf(code)
    }
    return at
  }
  return {
    length: tests.length,
    matches,
    find(text, from) {
      for (let at = from; at < text.length; at += unitsOf(text.codePointAt(at) ?? 0)) {
        const end = matches(text, at)
        if (end >= 0) return end
      }
      return -1
    },
    before(text) {
      let at = text.length
      for (let i = 0; i < tests.length && at >= 0; i++) at -= at > 1 ? unitsOf(text.codePointAt(at - 2) ?? 0) : 1
      return at
    },
  }
}

function unitsOf(code: number): number {
  return code > 0xffff ? 2 : 1
}

function piecesOf(pattern: string[]): Piece[] {
  const pieces: Piece[] = []
  let tokens: (string | Test)[] = []
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] as string
    if (character === '*') {
      pieces.push(pieceOf(tokens))
      tokens = []
      continue
    }
    const set = character === '[' ? setAt(pattern, at) : undefined
    if (set) {
      tokens.push(set.test)
      at = set.last
      continue
    }
    if (character === '\\' && at + 1 < pattern.length) at += 1
    tokens.push(character === '?' ? () => true : (pattern[at] as string))
  }
  return [...pieces, pieceOf(tokens)]
}

function pieceOf(tokens: (string | Test)[]): Piece {
  if (tokens.every((token) => typeof token === 'string')) return literal(tokens)
  return wildcard(tokens.map((token) => (typeof token === 'string' ? among([[token, token]], true) : token)))
}

/** The class that begins at `at`; undefined where it has no end. Its first member may be `]`. */
function setAt(pattern: string[], at: number): { test: Test; last: number } | undefined {
  const wanted = pattern[at + 1] !== '!'
  const spans: [string, string][] = []
  let next = at + (wanted ? 1 : 2)
  do {
    const from = pattern[next]
    const ranged = pattern[next + 1] === '-' && pattern[next + 2] !== ']'
    const to = ranged ? pattern[next + 2] : from
    if (from === undefined || to === undefined) return undefined
    spans.push([from, to])
    next += ranged ? 3 : 1
  } while (pattern[next] !== ']')
  return { test: among(spans, wanted), last: next }
}

function among(spans: [string, string][], wanted: boolean): Test {
  const codes = spans.map(([from, to]) => [from.codePointAt(0) as number, to.codePointAt(0) as number] as const)
  return (code) => codes.some(([from, to]) => from <= code && code <= to) === wanted
}
