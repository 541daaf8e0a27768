/** Numbers that clock.ts shares with TypeScript: words of a clock, the description of one conversion. */

export const CLOCK_FLAGS = 0
/** Binary digits of the ratio's fraction. */
export const CLOCK_FRAC = 1
/** 64 bits each, low word first. */
export const CLOCK_OFFSET = 2
export const CLOCK_RATIO = 4
/** ns = cycles * NUM / DEN, for at most LIMIT cycles on either side of 0. */
export const CLOCK_NUM = 6
export const CLOCK_DEN = 8
export const CLOCK_LIMIT = 10
export const CLOCK_WORDS = 12

export const CLOCK_INVERSE = 1
export const CLOCK_SCALED = 2
/** The result stays in cycles. */
export const CLOCK_CYCLES = 4
/** A remainder times NUM may need more than 64 bits. */
export const CLOCK_WIDE = 8
