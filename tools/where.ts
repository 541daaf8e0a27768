/**
 * where - keep the events for which an expression holds.
 *
 * Records that are not events (a loss, a clock sample, a pair) always pass: whoever comes later needs them.
 *
 * What can mislead: an event without a field that the expression names is an error of that event, not a
 * "no". `event == "irq_handler_entry" && irq == 26` asks only the events that have one.
 */
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { compile, EvaluationError, holds } from '../lib/expression/compile.js'
import { eventField } from '../lib/expression/event-fields.js'

const spec = {
  name: 'where',
  summary: 'keep the events for which an expression holds',
  operands: '<expression> [file...]',
  own: 1,
  options: {
    invert: { alias: 'v', type: 'boolean', default: false, describe: 'keep the others' },
  },
  examples: [`where 'name ~ "virtio0-input*" && cpu == 3' trace.ndjson`, `where 'src == "guest" || pid == 296'`],
} as const satisfies Spec

export default filter(spec, ({ invert }, { operands: [expression = ''] }) => {
  const condition = compile(expression, eventField)
  let kept = 0
  let events = 0
  return {
    event(record, out) {
      events++
      try {
        if (holds(condition(record)) === invert) return
      } catch (error) {
        throw error instanceof EvaluationError ? new BadRecord(`${record.event}: ${error.message}`) : error
      }
      kept++
      out.pass(record)
    },
    end: () => ({ line: `${kept} of ${events} events kept`, counts: { events, kept } }),
  }
})
