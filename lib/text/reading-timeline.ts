/** Reading a timeline (systemtap): its lines as events of the wire format. Lines that begin with `#` are comments. */
import type { Context } from '../cli/tool.js'
import { lineFault } from '../wire/line-fault.js'
import { idOf } from '../wire/names.js'
import type { Out } from '../wire/output.js'
import type { Source } from '../wire/source.js'
import { type LineCounts, readLines } from './reading-lines.js'
import type { StreamHeads } from './stream-heads.js'
import { timelineLine } from './timeline-line.js'

export async function readTimeline(
  source: Source,
  src: string,
  context: Context,
  heads: StreamHeads,
  out: Out,
): Promise<LineCounts> {
  const counts = { events: 0, headers: 0 }
  const id = idOf(src)
  const fault = lineFault()
  const not_utf8 = await readLines(source, src, context, heads, out, (line) => {
    if (/^\s*$/.test(line)) return undefined
    if (line.startsWith('#')) {
      counts.headers++
      return undefined
    }
    const found = timelineLine(line)
    if (typeof found === 'string') return found
    const { ts, event, cpu, comm, args, text } = found
    const record = JSON.stringify({ ts, src, event, cpu, comm, args, text })
    const wrong = fault(record)
    if (wrong) return wrong
    heads.before(id, false)
    counts.events++
    out.write(record)
    return undefined
  })
  return { ...counts, lost: 0, lost_events: 0n, not_utf8 }
}
