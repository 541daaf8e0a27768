/** What an input is, whose format is to be found out. */
import type { Context } from '../cli/tool.js'
import { peek } from '../wire/peek.js'
import type { Source } from '../wire/source.js'
import { systemMessage } from '../wire/system-message.js'
import { detect, type Format } from './detect.js'

/** What the input is: as --from says, or as its beginning looks. */
export async function formatOf(
  input: Source,
  from: Format | 'auto',
  context: Context,
): Promise<{ source: Source; format?: Format }> {
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
