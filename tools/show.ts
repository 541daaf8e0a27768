/**
 * show - events as people read them, a line each.
 *
 * Reads any stream and prints events, losses and pairs; `G` marks what a guest saw. Other records (a clock
 * sample, a summary) are not shown.
 *
 * What can mislead: wall time is only shown where the stream says how its clock relates to it.
 */

import { HAS_DELTA_NS, HAS_DELTA_TSC, SRC } from '../lib/assembly/layout.js'
import { filter, type Spec } from '../lib/cli/tool.js'
import { showDuration } from '../lib/clock/duration.js'
import { pen } from '../lib/drawing/colour.js'
import { eventLine, type LineOptions, seconds, stackLines } from '../lib/drawing/event-line.js'
import { oneLine } from '../lib/drawing/visible.js'
import { wallOffsets } from '../lib/drawing/wall-time.js'
import { lossOf, timeOf } from '../lib/wire/lost.js'
import { words } from '../lib/wire/memory.js'
import { memberName, type RecordView } from '../lib/wire/record.js'

const spec = {
  name: 'show',
  summary: 'events as people read them',
  operands: '[file...]',
  own: 0,
  options: {
    ns: { type: 'boolean', default: false, describe: 'nine digits of a second, not six' },
    zero: { type: 'string', value: 'ts', describe: 'times in us from this ts' },
    sources: { type: 'boolean', default: false, describe: 'the name of the src in place of G' },
  },
  examples: ['order host.ndjson guest.ndjson | show | less', 'pair A B --than 10ms | show'],
} as const satisfies Spec

const startTs = memberName('start_ts')
const startTsc = memberName('start_tsc')

export default filter(spec, (options, context) => {
  if (options.zero !== undefined && !/^-?\d{1,19}$/.test(options.zero))
    throw new Error(`--zero ${options.zero} is not a ts in ns`)
  const line: LineOptions = {
    digits: options.ns ? 9 : 6,
    zero: options.zero === undefined ? undefined : BigInt(options.zero),
    sources: options.sources,
    wallOffset: undefined,
    pen: pen(context.terminal?.colours ?? 0),
  }
  const { loss, strong } = line.pen
  const wall = wallOffsets()
  let shown = 0

  function print(text: string): void {
    shown++
    context.print(`${text}\n`)
  }

  return {
    event(record) {
      line.wallOffset = wall.of(words[record.row + SRC] as number)
      print(eventLine(record, line))
      for (const frame of stackLines(record)) context.print(`${oneLine(frame)}\n`)
    },
    record(record) {
      const { type } = record
      if (type === 'clock') wall.take(record)
      else if (type === 'lost') print(loss(oneLine(lostLine(record))))
      else if (type === 'pair') print(strong(oneLine(pairLine(record))))
    },
    end: () => ({ line: `${shown} lines` }),
  }
})

/** `23.524 ms  a => b  key 25  39.144357955 ... 39.167881965`. */
function pairLine(record: RecordView): string {
  const { start, end, keyText: key, time, delta } = record
  const cycles = record.has(HAS_DELTA_TSC)
  const from = timeOf(record.member(cycles ? startTsc : startTs))
  const span = cycles ? `${delta} cycles` : record.has(HAS_DELTA_NS) ? showDuration(Number(delta)) : '?'
  const at = (instant: bigint | undefined) =>
    instant === undefined ? '?' : cycles ? BigInt.asUintN(64, instant).toString() : seconds(instant, 9)
  return `${span.padStart(14)}  ${start} => ${end}${key === undefined ? '' : `  key ${key}`}  ${at(from)} ... ${at(time)}`
}

/** As ftrace prints it, with the src and what lies between. */
function lostLine(record: RecordView): string {
  const { cpu, count, from, to } = lossOf(record)
  return `CPU:${cpu ?? '?'} [LOST ${count ?? '?'} EVENTS] of ${record.src || 'unknown'}${from === undefined ? '' : ` from ${from}`}${to === undefined ? '' : ` to ${to}`}`
}
