/**
 * Text that can do nothing to a terminal. A guest writes the names that these tools print: an ESC would be a
 * command to the terminal, U+202E would turn a line around, a newline would make a line that no tool wrote.
 */

/** Control and formatting characters (ESC, what reorders text) as escapes; newlines of our own messages stay. */
export function visible(text: string): string {
  if (!/[^\n -~]/.test(text)) return text
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (c) => (c === '\n' ? c : escaped(c)))
}

/** The same, for what comes out of a record: it can begin no line of its own. */
export function oneLine(text: string): string {
  return visible(text).replaceAll('\n', '\\x0a')
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`
}

/** The same, and no longer than so many characters: the rest is `…`. */
export function short(text: string, most: number): string {
  const shown = [...oneLine([...text.slice(0, 2 * most + 2)].slice(0, most + 1).join(''))]
  return shown.length > most ? `${shown.slice(0, most - 1).join('')}…` : shown.join('')
}
