/**
 * Names by number, written as the kernel's headers order them: a number, and the names from there on.
 *
 *     numbered('0 read write 5 fstat').get(5)    fstat
 */
export function numbered(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>()
  let next = 0
  for (const word of text.trim().split(/\s+/)) {
    if (/^\d+$/.test(word)) next = Number(word)
    else names.set(next++, word)
  }
  return names
}
