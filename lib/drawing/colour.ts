/**
 * Colours on a terminal: escape sequences around text that is safe by itself (ECMA-48, 8.3.117 SGR). What a colour says
 * stands in the text as well, so nothing is lost where there is none.
 */

/** How many a terminal has; 0: none are wanted. */
export type Colours = 0 | 16 | 256

export interface Pen {
  /** What a guest saw. */
  guest(text: string): string
  /** What was lost. */
  loss(text: string): string
  /** What stands out among other lines. */
  strong(text: string): string
  /** A sign of a heat strip, of so many steps: 0 is nothing. */
  heat(sign: string, step: number): string
}

/** The foreground of 1, 2-3, 4-5, 6-7, 8-9: cold to hot. */
const few = [34, 36, 32, 33, 31]
/** The background of 1 to 9, dark to bright in the order of viridis: lightness alone tells them apart. */
const many = [54, 61, 31, 30, 36, 71, 113, 185, 226]
/** From this step on the background is bright. */
const BRIGHT = 5

export function pen(colours: Colours): Pen {
  const plain = (text: string) => text
  if (colours === 0) return { guest: plain, loss: plain, strong: plain, heat: plain }
  const heat = (step: number) =>
    colours === 16 ? `${few[step >> 1]}` : `38;5;${step < BRIGHT ? 231 : 16};48;5;${many[step - 1]}`
  return {
    guest: (text) => painted('1;36', text),
    loss: (text) => painted('1;31', text),
    strong: (text) => painted('1', text),
    heat: (sign, step) => (step === 0 ? sign : painted(heat(step), sign)),
  }
}

function painted(sgr: string, text: string): string {
  return `\x1b[${sgr}m${text}\x1b[0m`
}

/** The columns that a text has on a terminal; a double-width character counts as one. */
export function columnsOf(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it begins what is written above
  return [...text.replace(/\x1b\[[\d;]*m/g, '')].length
}
