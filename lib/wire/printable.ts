/**
 * Records on a terminal. JSON escapes the control characters below U+0020 and no others: U+009B is a command to many
 * terminals, U+202E turns a line around, and lines of text that are carried unread may hold anything. On a terminal
 * all of these are written as JSON escapes: what is read there is what a pipe would get, and means the same.
 */

/** Whole lines, of UTF-8; what is no UTF-8 is shown as U+FFFD. */
export function printable(lines: Buffer): Buffer {
  const text = lines.toString('utf8')
  if (!/[^\n -~]/.test(text)) return lines
  return Buffer.from(text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => (c === '\n' || c === '\t' ? c : escaped(c))))
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
    .join('')
}
