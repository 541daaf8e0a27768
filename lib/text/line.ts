/** The JSON line of an event that was found in text; written only when somebody wants it. */
import { EVENT } from '../assembly/layout.js'
import { scanner, words } from '../wire/memory.js'
import type { Renderer } from '../wire/record.js'
import { learn } from './templates.js'

export const textLine: Renderer = {
  render(row, to) {
    const end = scanner.putTextLine(row << 2, to)
    if (end !== 0) return end
    learn(words[row + EVENT] as number)
    return scanner.putTextLine(row << 2, to)
  },
}
