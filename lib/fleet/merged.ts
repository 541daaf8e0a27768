/**
 * Rows of many workers added up: a row of the table for each path, host, guest, key, whatever tells them apart. Counts are
 * added bucket by bucket, so a percentile is that of all the calls, as one histogram of them would have it; percentiles
 * themselves are never added.
 */
import { BadRecord } from '../cli/tool.js'
import { histogram } from '../statistics/histogram.js'
import { cut, type LatencyRow } from '../statistics/series.js'
import type { Row } from './interval-record.js'

export interface Merged {
  /** Throws BadRecord where there is no room for more. */
  check(row: Row): void
  add(row: Row): void
  readonly calls: number
  /** Calls that came too late to have a row. */
  readonly others: number
  readonly rows: readonly LatencyRow[]
}

export interface MergedOptions {
  /** What tells rows apart: `host`, `worker`, or a member of `of`. */
  by: readonly string[]
  /** A row for each start => end. */
  names: boolean
  maxRows: number
}

const OTHERS = 'others'
/** Of the counts of one table. */
const MOST_BYTES = 1 << 28

export function merged({ by, names, maxRows }: MergedOptions): Merged {
  const rows: LatencyRow[] = []
  const found = new Map<string, LatencyRow>()
  let calls = 0
  let others = 0
  let bytes = 0

  function rowFor(given: Row): LatencyRow {
    const { of, exact } = given
    const labels = by.map((name) => String(memberOf(given, name) ?? '-'))
    const start = names ? String(of.start ?? '') : ''
    const end = names ? String(of.end ?? '') : ''
    const known = found.get(idOf(start, end, labels))
    if (known) return known
    if (found.size < maxRows)
      return make(start, end, labels, Object.fromEntries(by.map((name) => [name, memberOf(given, name)])))
    others += exact.calls
    const [first, ...rest] = labels
    const shown = first === undefined ? [] : [OTHERS, ...rest.map(() => '-')]
    const name = names ? OTHERS : ''
    return found.get(idOf(name, name, shown)) ?? make(name, name, shown, { by: OTHERS })
  }

  function make(start: string, end: string, labels: readonly string[], of: Record<string, unknown>): LatencyRow {
    const row: LatencyRow = {
      start,
      end,
      labels: labels.map(cut),
      of,
      unit: 'ns',
      histogram: histogram(),
      slower: 0,
      errors: 0,
    }
    found.set(idOf(start, end, labels), row)
    rows.push(row)
    return row
  }

  return {
    get calls() {
      return calls
    },
    get others() {
      return others
    },
    rows,
    check(row) {
      if (bytes >= MOST_BYTES) throw new BadRecord(`more different latencies than ${MOST_BYTES >> 20} MiB hold`)
      if (calls + row.exact.calls > Number.MAX_SAFE_INTEGER) throw new BadRecord('more than 2^53 calls')
    },
    add(row) {
      const { histogram } = rowFor(row)
      const before = histogram.bytes
      histogram.add(row.counts, row.exact)
      bytes += histogram.bytes - before
      calls += row.exact.calls
    },
  }
}

function memberOf({ worker, host, of }: Row, name: string): string | number | undefined {
  if (name === 'host') return host
  if (name === 'worker') return worker
  return Object.hasOwn(of, name) ? of[name] : undefined
}

function idOf(start: string, end: string, labels: readonly string[]): string {
  return JSON.stringify([start, end, ...labels])
}
