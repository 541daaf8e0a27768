/**
 * What the build makes of a peggy grammar (`peggy.generate(…, { format: 'es' })`).
 *
 * A SyntaxError with `expected` is peggy's own: nothing fits at that place. One without is the grammar's refusal,
 * whose message says it all.
 */
declare module '*.peggy' {
  interface Expectation {
    type: string
    description?: string
  }

  class Misfit extends Error {
    expected: Expectation[] | null
    location: { start: { offset: number } }
  }

  export { Misfit as SyntaxError }

  export function parse(source: string): unknown
}
