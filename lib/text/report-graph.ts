/**
 * Functions in trace-cmd's report: what it prints of funcgraph_entry and funcgraph_exit, as the fields that the ring
 * buffer has. A call without any inside is one line, of both; with `report -R` each has a line, whose fields have names.
 *
 *     funcgraph_entry:                   |  vfs_read() {
 *     funcgraph_entry:        2.720 us   |    rw_verify_area();
 *     funcgraph_exit:       + 18.296 us  |  }
 *
 * The exit of a call on one line is so much later as it took; on a clock of cycles, which cannot be added up with
 * nanoseconds, at the same time.
 */
import { ARGS, EVENT } from '../assembly/layout.js'
import { utf8, words } from '../wire/memory.js'
import { idOf } from '../wire/names.js'
import { RecordView } from '../wire/record.js'
import { type GraphLine, graphText } from './graph-line.js'
import { textLine } from './line.js'

/** Answers the records of an event's row that is a function's; undefined where it is none. */
export function reportGraph(): (row: number) => Record<string, unknown>[] | undefined {
  const [entry, exit] = [idOf('funcgraph_entry'), idOf('funcgraph_exit')]
  const view = new RecordView()
  view.renderer = textLine

  return (row) => {
    const event = words[row + EVENT]
    if (event !== entry && event !== exit) return undefined
    const printed = utf8(words[row + ARGS] as number, words[row + ARGS + 1] as number)
    if (!printed.includes('|')) return undefined
    // the option fgraph:depth
    const line = graphText({ cpu: 0 }, printed.replace(/ \(\d+\)$/, ''))
    if (typeof line === 'string' || !isCall(line) || (event === exit) !== (line.kind === 'exit')) return undefined
    view.row = row
    const { text: _, ...record } = view.members
    const { func, module, depth, duration_ns } = line
    const at = { ...record, args: { func, module, depth } }
    const end = { ...at, event: 'funcgraph_exit', args: { func, module, depth, duration_ns } }
    if (line.kind === 'entry') return [at]
    if (line.kind === 'exit') return [end]
    const ts = typeof record.ts === 'string' ? { ts: (BigInt(record.ts) + BigInt(duration_ns ?? 0)).toString() } : {}
    return [at, { ...end, ...ts }]
  }
}

function isCall(line: GraphLine): line is Extract<GraphLine, { depth: number }> {
  return line.kind === 'entry' || line.kind === 'leaf' || line.kind === 'exit'
}
