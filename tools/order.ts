/**
 * order - merge streams by time.
 *
 * Reads each input as it comes, holds what may still be overtaken, and writes all records in the order of
 * their time. A record without a time keeps its place behind the line before it; a `lost` record stands where
 * the loss began. A row that comes after its place is marked with `late_ns`, counted, and not moved.
 *
 * What can mislead: two machines' cycles have no common order; tsc-align comes first.
 */
import { HAS_TS, HAS_TSC } from '../lib/assembly/layout.js'
import { nextBatch, open } from '../lib/cli/drive.js'
import { type Context, type Spec, source } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { oneLine } from '../lib/drawing/visible.js'
import { Lane } from '../lib/order/lane.js'
import { merge } from '../lib/order/merge.js'
import { inUse } from '../lib/wire/memory.js'
import { nameOf } from '../lib/wire/names.js'
import { rowReason } from '../lib/wire/reasons.js'
import { RecordView } from '../lib/wire/record.js'

const spec = {
  name: 'order',
  summary: 'merge streams by time',
  operands: '[file...]',
  own: 0,
  options: {
    window: {
      type: 'string',
      value: 'duration',
      default: '100ms',
      coerce: parseDuration,
      describe: 'how far an input may go backwards and be put right',
    },
    'max-wait': {
      type: 'string',
      value: 'duration',
      coerce: milliseconds,
      describe: 'go on without an input that is silent for so long (default: wait)',
    },
    'max-held': { type: 'number', default: 200000, describe: 'lines held at most, and 128 MiB' },
  },
  examples: ['order host.ndjson guest.ndjson', 'order <(pull 127.0.0.1:9900) <(capture-host -e kvm:*) --max-wait 2s'],
} as const satisfies Spec

/** Of the 256 MiB that there are; lines held are out of it in whole blocks. */
const MOST = 1 << 27

/** No timer runs longer than 2^31 ms, 24 days. */
function milliseconds(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Math.min(parseDuration(text) / 1e6, 2 ** 31 - 1)
}

export default source(spec, async (options, context, out) => {
  const view = new RecordView()
  let stopping = false
  let records = 0
  let late = 0
  const silent = new Set<Lane>()
  context.onStop(() => {
    stopping = true
  })

  const inputs = context.files.map((path) => open(path, context)).filter((input) => input !== null)
  const lanes = inputs.map((input) => new Lane(input, options.window, view))

  let compared = true
  const compare = () => {
    if (compared) compared = comparable(lanes, context)
  }

  const { forced } = await merge(lanes, {
    maxWait: options['max-wait'] ?? Number.POSITIVE_INFINITY,
    maxHeld: options['max-held'],
    full: () => inUse() > MOST,
    async read(from) {
      const batch = await nextBatch(from.input, context)
      if (!batch) return false
      from.takeIn(batch, (row) => context.bad(`${from.input.source.name}:${batch.lineOf(row)}`, rowReason(row)))
      compare()
      return true
    },
    emit(row, behind) {
      view.row = row
      records++
      if (behind === null) {
        out.pass(view)
        return
      }
      late++
      out.append(view, view.has(HAS_TSC) ? `,"late_tsc":${behind}` : `,"late_ns":${behind}`)
    },
    beforeWait: () => out.flush(),
    passedOver(lane) {
      // once for each: one that comes and goes would say it for ever
      if (!silent.has(lane)) context.warn(`${lane.input.source.name}: silent, going on without it`)
      silent.add(lane)
    },
    stopped: () => stopping,
  })
  return {
    line: `${records} records of ${lanes.length} inputs, ${late} late${forced > 0 ? `, ${forced} forced out by --max-held` : ''}`,
    counts: { records, inputs: lanes.length, late, ...(forced > 0 ? { forced } : {}) },
  }
})

/** Times that have no common order are said once; the merge goes on, for the user may know better. */
function comparable(lanes: readonly Lane[], context: Context): boolean {
  const units = lanes.reduce((all, { units }) => all | units, 0)
  const srcs = new Set(lanes.flatMap((lane) => [...lane.srcs]))
  if (units === (HAS_TS | HAS_TSC))
    context.problem('some events have ns and some cycles; tsc-align makes all of them ns')
  else if (units === HAS_TSC && srcs.size > 1)
    context.problem(
      `cycles of ${oneLine([...srcs].map(nameOf).join(' and '))} have no common order; tsc-align gives them one`,
    )
  else return true
  return false
}
