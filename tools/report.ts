/**
 * report - a page to look at: latency over time, percentiles, the slowest pairs and what both machines did then.
 *
 * Reads `pair` records and, where `pair --events` passed them on, the events; writes one HTML file that needs nothing
 * else. All pairs are in its figures; events are kept only while they are recent, for the timelines of the slowest.
 *
 * What can mislead: pairs that `pair --than` held back are in no figure; the page's account says how many. A timeline
 * shows what was traced: a CPU without events may have been busy.
 */
import { isatty } from 'node:tty'
import { TYPE } from '../lib/assembly/layout.js'
import { BadRecord, filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration, showDuration } from '../lib/clock/duration.js'
import { gathering } from '../lib/report/gathering.js'
import { pack } from '../lib/report/pack.js'
import { pageOf } from '../lib/report/page.js'
import type { PageData } from '../lib/report/page-data.js'
import type { Around } from '../lib/report/slowest.js'
import { words } from '../lib/wire/memory.js'
import { idOf } from '../lib/wire/names.js'
import type { RecordView } from '../lib/wire/record.js'

const spec = {
  name: 'report',
  summary: 'a page to look at: latency over time, and what happened around the slowest',
  operands: '[file...]',
  own: 0,
  options: {
    title: { type: 'string', default: 'Latency', describe: 'at the top of the page' },
    slowest: { type: 'number', default: 10, describe: 'pairs of each path that get a timeline' },
    around: {
      type: 'string',
      value: 'before,after',
      describe: 'how much of the time before and after such a pair is shown; without it a quarter of its latency',
    },
    'max-keys': { type: 'number', default: 60, describe: 'keys told apart; later ones are one row, `others`' },
    json: { type: 'boolean', default: false, describe: "write the page's data instead, as JSON" },
  },
  examples: [
    'pair kvm_msi_set_irq irq_handler_entry --events -- both.ndjson | report >page.html',
    'pair A B --events -- all.ndjson | pair C D --events | report --title "two paths" >page.html',
  ],
} as const satisfies Spec

declare const VERSION: string

export default filter(spec, (options, context) => {
  if (options.slowest > 100) throw new Error('--slowest is at most 100')
  if (options['max-keys'] > 1000) throw new Error('--max-keys is at most 1000')
  if (!options.json && isatty(1)) throw new Error('the page goes into a file: report >page.html')
  const around = options.around === undefined ? undefined : aroundOf(options.around)
  const gathered = gathering({ slowest: options.slowest, around, maxKeys: options['max-keys'] })
  const pair = idOf('pair')

  return {
    event: gathered.event,
    record(record) {
      if (words[record.row + TYPE] === pair) addPair(record)
      else gathered.record(record)
    },
    end() {
      const data = pack(gathered.result(), { title: options.title, version: VERSION })
      const text = options.json ? `${JSON.stringify(data)}\n` : pageOf(data)
      context.print(text)
      return { line: `${sentence(data)}, ${Math.ceil(Buffer.byteLength(text) / 1000)} kB` }
    },
  }

  function addPair(record: RecordView): void {
    const reason = gathered.pair(record)
    if (reason) throw new BadRecord(reason)
  }
})

function aroundOf(text: string): Around {
  const [before, after, ...more] = text.split(',').map((part) => BigInt(parseDuration(part)))
  if (before === undefined || more.length > 0) throw new Error(`${JSON.stringify(text)} is not BEFORE,AFTER`)
  return { before, after: after ?? before }
}

/** `1407 pairs, the slowest 34.646 ms; 10 timelines`. */
function sentence({ pairs, slow, unit }: PageData): string {
  const [worst] = slow
  const slowest = worst ? `, the slowest ${unit === 'ns' ? showDuration(worst.delta) : `${worst.delta} cycles`}` : ''
  return `${pairs} pairs${slowest}; ${slow.filter(({ timeline }) => timeline).length} timelines`
}
