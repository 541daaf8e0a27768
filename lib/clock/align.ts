/**
 * Aligning a stream: the time of every event, and of the records that speak of the same clock.
 *
 * Events and `clock` records: `tsc` becomes `ts`. `lost`: `from` and `to` are on its events' clock, so they follow.
 * `stream`: `unit` becomes "ns". What has a `ts` is aligned already and passes.
 */
import { HAS, HAS_TS, HAS_TSC, LINE, LINE_END, SRC, TIME } from '../assembly/layout.js'
import { BadRecord } from '../cli/tool.js'
import { bytes, scanner, utf8, words } from '../wire/memory.js'
import type { Out } from '../wire/output.js'
import { type Member, memberName, type RecordView } from '../wire/record.js'
import type { Clocks } from './clocks.js'
import { convert, parseInteger64 } from './machine-clock.js'

export interface Alignment {
  /** An event's time, in its row, is aligned; true where it was not before. Its line is what it was. */
  inPlace(record: RecordView): boolean
  /** Any time on the record's clock, aligned; undefined where it is no event of ours or needs more than 64 bits. */
  moved(record: RecordView, time: bigint): bigint | undefined
  event(record: RecordView, out: Out): void
  record(record: RecordView, out: Out): void
  readonly counts: { aligned: number; had_ts: number; other_src: number }
}

const from = memberName('from')
const to = memberName('to')
const unit = memberName('unit')
const khz = memberName('tsc_khz')

/** `others`: the clocks of srcs that `clocks` do not concern, whose cycles are on the common timeline already; null: they pass. */
export function alignment(clocks: Clocks, cycles: boolean, others: Clocks | null = null): Alignment {
  const counts = { aligned: 0, had_ts: 0, other_src: 0 }
  /** The srcs whose lines are in ns already, by what their last line said. */
  const inNs: boolean[] = []

  function convertRow(record: RecordView, by: Clocks): void {
    record.materialise()
    if (!scanner.align(by.of(record.row), (record.row + TIME) << 2)) throw tooLarge(record)
  }

  function inPlace(record: RecordView): boolean {
    const src = words[record.row + SRC] as number
    const has = words[record.row + HAS] as number
    if (!clocks.concerns(src)) {
      counts.other_src++
      if (others === null || !(has & HAS_TSC) || has & HAS_TS) return false
      convertRow(record, others)
      return true
    }
    if (has & HAS_TS) {
      counts.had_ts++
      inNs[src] = true
      return false
    }
    if (!(has & HAS_TSC)) throw new BadRecord(`${record.event || 'the event'} has neither tsc nor ts`)
    inNs[src] = false
    convertRow(record, clocks)
    counts.aligned++
    return true
  }

  function stream(record: RecordView, src: number, out: Out): void {
    inNs[src] = record.member(unit) === 'ns'
    hear(record, src, clocks)
    if (cycles || inNs[src]) out.pass(record)
    else if (record.json(unit) === undefined) out.append(record, ',"unit":"ns"')
    else out.write(withValues(record, [[unit, '"ns"']]))
  }

  function hear(record: RecordView, src: number, by: Clocks): void {
    const frequency = record.member(khz)
    if (frequency === undefined || frequency === null) return
    try {
      by.heard(src, String(frequency))
    } catch (error) {
      throw (error as Error).constructor === Error ? new BadRecord(`tsc_khz: ${(error as Error).message}`) : error
    }
  }

  function lost(record: RecordView, src: number, out: Out): void {
    const changes: [Member, string][] = []
    for (const member of [from, to]) {
      const value = record.member(member)
      if (value === undefined || value === null || inNs[src]) continue
      changes.push([member, `"${movedText(record, value)}"`])
    }
    out.write(withValues(record, changes))
  }

  function movedText(record: RecordView, value: unknown): string {
    const known = typeof value !== 'object' ? integerOf(String(value)) : undefined
    if (known === undefined) throw new BadRecord(`a loss from or to ${shown(value)}, which is no time`)
    const time = convert(clocks.of(record.row, known), known)
    if (time === undefined) throw tooLarge(record)
    return String(cycles ? BigInt.asUintN(64, time) : time)
  }

  return {
    counts,
    inPlace,
    moved: (record, time) =>
      clocks.concerns(words[record.row + SRC] as number) ? convert(clocks.of(record.row, time), time) : undefined,
    event(record, out) {
      if (inPlace(record)) out.retime(record, cycles)
      else out.pass(record)
    },
    record(record, out) {
      const src = words[record.row + SRC] as number
      if (!clocks.concerns(src)) {
        if (others && record.type === 'stream') hear(record, src, others)
        out.pass(record)
      } else if (record.type === 'stream') stream(record, src, out)
      else if (record.type === 'lost') lost(record, src, out)
      else if (record.type === 'clock' && record.has(HAS_TSC) && !record.has(HAS_TS)) {
        convertRow(record, clocks)
        out.retime(record, cycles)
      } else out.pass(record)
    },
  }
}

function tooLarge(record: RecordView): BadRecord {
  return new BadRecord(`the aligned time of ${record.event || record.type} needs more than 64 bits`)
}

function shown(value: unknown): string {
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}

function integerOf(text: string): bigint | undefined {
  try {
    return parseInteger64(text)
  } catch {
    return undefined
  }
}

/** The record's line with the values of these members replaced; all else stays, byte for byte. */
function withValues(record: RecordView, changes: readonly [Member, string][]): string {
  record.materialise()
  const line = words[record.row + LINE] as number
  let object = line
  while (bytes[object] !== 123) object++
  const spans = changes.map(([member, value]) => ({
    at: scanner.find(object, member.address, member.length),
    after: scanner.foundEnd(),
    value,
  }))
  spans.sort((a, b) => a.at - b.at)
  let text = ''
  let done = line
  for (const { at, after, value } of spans) {
    text += utf8(done, at) + value
    done = after
  }
  return text + utf8(done, words[record.row + LINE_END] as number)
}
