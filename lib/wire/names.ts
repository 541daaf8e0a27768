/**
 * Interned names: the strings of `event`, `src`, `vm` and `type`, each a small integer, the same for the
 * whole process (assembly/names.ts). 0 is "absent".
 */
import { MAX_NAME_LENGTH } from '../assembly/layout.js'
import { allocate, bytes, scanner } from './memory.js'

const texts: string[] = ['']
const scratch = allocate(MAX_NAME_LENGTH * 4)

/** The string behind an id. */
export function nameOf(id: number): string {
  const known = texts[id]
  if (known !== undefined) return known
  const from = scanner.nameAddress(id)
  const text = wtf8(bytes.subarray(from, from + scanner.nameLength(id)))
  texts[id] = text
  return text
}

/** The id of a string. Throws a RangeError when there are too many names already, or this one is too long. */
export function idOf(name: string): number {
  const length = bytes.write(name, scratch, MAX_NAME_LENGTH * 4, 'utf8')
  const id = scanner.intern(scratch, length)
  if (id < 0) throw new RangeError(`no room for the name ${JSON.stringify(name.slice(0, 40))}`)
  return id
}

/** UTF-8 in which a lone surrogate, which JSON can write as an escape, has three bytes of its own (WTF-8). */
function wtf8(text: Buffer): string {
  let made = ''
  let from = 0
  for (let at = text.indexOf(0xed); at >= 0; at = text.indexOf(0xed, at + 1)) {
    if ((text[at + 1] ?? 0) < 0xa0) continue
    const unit = (((text[at + 1] as number) & 0x3f) << 6) | ((text[at + 2] as number) & 0x3f) | 0xd000
    made += text.toString('utf8', from, at) + String.fromCharCode(unit)
    from = at + 3
  }
  return made + text.toString('utf8', from)
}
