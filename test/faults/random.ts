/** Random numbers that a seed repeats (mulberry32). */
export interface Random {
  /** 0 to n - 1. */
  below(n: number): number
  of<T>(choices: readonly T[]): T
}

export function random(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }
  const below = (n: number) => next() % n
  return { below, of: (choices) => choices[below(choices.length)] as (typeof choices)[number] }
}
