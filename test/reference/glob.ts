/** Glob patterns as lib/glob.c has them, by trying everything: the reference for lib/expression/glob.ts. */
export function globMatches(pattern: string, text: string): boolean {
  const known = new Map<number, boolean>()
  return from(0, 0)

  function from(p: number, t: number): boolean {
    const id = p * 4096 + t
    let result = known.get(id)
    if (result === undefined) {
      result = tried(p, t)
      known.set(id, result)
    }
    return result
  }

  function tried(p: number, t: number): boolean {
    if (p >= pattern.length) return t === text.length
    const sign = pattern[p] as string
    if (sign === '*') return from(p + 1, t) || (t < text.length && from(p, t + 1))
    const character = text[t]
    const set = sign === '[' ? setAt(p) : undefined
    const escaped = sign === '\\' && p + 1 < pattern.length
    if (character === undefined) return false
    if (set) return set.has(character) && from(set.end, t + 1)
    if (sign === '?') return from(p + 1, t + 1)
    const wanted = escaped ? pattern[p + 1] : sign
    return wanted === character && from(p + (escaped ? 2 : 1), t + 1)
  }

  /** `[a-z]`, `[!a-z]`; the first member may be `]`, and a minus before the last bracket is one. */
  function setAt(p: number): { has(character: string): boolean; end: number } | undefined {
    const not = pattern[p + 1] === '!'
    const spans: [string, string][] = []
    let at = p + (not ? 2 : 1)
    do {
      const low = pattern[at]
      const isRange = pattern[at + 1] === '-' && pattern[at + 2] !== ']'
      const high = isRange ? pattern[at + 2] : low
      if (low === undefined || high === undefined) return undefined
      spans.push([low, high])
      at += isRange ? 3 : 1
    } while (pattern[at] !== ']')
    return { end: at + 1, has: (c) => spans.some(([low, high]) => low <= c && c <= high) !== not }
  }
}
