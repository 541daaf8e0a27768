/** What an input is, whose format is to be found out. */
import type { Context } from '../cli/tool.js'
import { bytes } from '../wire/memory.js'
import { peek } from '../wire/peek.js'
import type { Source } from '../wire/source.js'
import { systemMessage } from '../wire/system-message.js'
import { detect, type Format } from './detect.js'

/** What the input is: as --from says, or as its beginning looks. */
export async function formatOf(
  whole: Source,
  from: Format | 'auto',
  context: Context,
): Promise<{ source: Source; format?: Format }> {
  const input = withoutMark(whole)
  if (from !== 'auto') return { source: input, format: from }
  try {
    const { source, found, empty } = await peek(input, detect)
    if (typeof found === 'string') return { source, format: found }
    if (found) context.problem(`${input.name}: ${found.refused}`)
    else if (!empty)
      context.problem(`${input.name}: no trace that is known (its first lines are no events); --from names one`)
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code) throw error
    context.problem(`${input.name}: ${systemMessage(error)}`)
  }
  return { source: input }
}

/** U+FEFF, with which programs of Windows begin a file. */
const MARK = [0xef, 0xbb, 0xbf]

/** The source without the mark at its beginning. */
function withoutMark(source: Source): Source {
  let known = false

  async function first(to: number, max: number): Promise<number> {
    let have = 0
    do {
      const n = await source.read(to + have, max - have)
      if (n === 0) break
      have += n
    } while (have < MARK.length && MARK.slice(0, have).every((byte, i) => bytes[to + i] === byte))
    known = true
    if (have < MARK.length || !MARK.every((byte, i) => bytes[to + i] === byte)) return have
    bytes.copyWithin(to, to + MARK.length, to + have)
    return have > MARK.length ? have - MARK.length : source.read(to, max)
  }

  return { ...source, read: (to, max) => (known ? source.read(to, max) : first(to, max)) }
}
