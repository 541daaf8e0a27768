/**
 * Parts added up: the whole, what belongs to no part, the share of each, and the same without tracing, as far as that
 * can be said. As a table, and as a sequence to draw.
 */
import type { Sequence } from '../drawing/sequence.js'
import { type Column, textTable } from '../drawing/text-table.js'
import { short } from '../drawing/visible.js'
import { type Estimate, type Method, type TracedPart, withoutTracing } from './overhead.js'
import type { SumPart } from './parts.js'
import { perUnit, type TimeUnit } from './time-text.js'

export interface Totals {
  /** Of the whole path with tracing; undefined: the sum of the parts. */
  traced: number | undefined
  untraced: number | undefined
  method: Method
}

export interface Sum {
  parts: readonly SumPart[]
  /** All these in ns. */
  sum: number
  traced: number
  untraced: number | undefined
  /** Of the parts that have a time, in their order. */
  estimate: Estimate | undefined
}

/** Throws an Error where the totals cannot be of these parts. */
export function addUp(parts: readonly SumPart[], { traced, untraced, method }: Totals): Sum {
  const timed = parts.filter(hasTime)
  const sum = timed.reduce((total, { ns }) => total + ns, 0)
  const whole = traced ?? sum
  if (sum - whole > 0.5) throw new Error('the parts take longer than the whole path with tracing')
  const estimate = untraced === undefined ? undefined : withoutTracing(timed, { traced: whole, untraced }, method)
  return { parts, sum, traced: whole, untraced, estimate }
}

function hasTime(part: SumPart): part is SumPart & TracedPart {
  return part.ns !== undefined
}

interface Row {
  name: string
  ns: number
  probes?: number | undefined
  estimated?: number | undefined
}

/** The table, and below it what was done about the tracing. */
export function sumText(sum: Sum, unit: TimeUnit): string {
  const said = assumption(sum, unit)
  return `${sumTable(sum, unit)}${said && `\n${said}\n`}`
}

/** Shares are of the whole path, each of its own column. */
function sumTable(sum: Sum, unit: TimeUnit): string {
  const { parts, traced, untraced, estimate } = sum
  const rows: Row[] = parts
    .filter(hasTime)
    .map((part, i) => ({ name: nameOf(part), ns: part.ns, probes: part.probes, estimated: estimate?.times[i] }))
  const rest = traced - sum.sum
  if (rest >= 0.5) rows.push({ name: 'in no part', ns: rest, estimated: estimate && rest })
  rows.push({ name: 'the whole path', ns: traced, estimated: untraced })
  const columns: Column<Row>[] = [
    { head: 'part', of: ({ name }) => name },
    { head: `${untraced === undefined ? 'time' : 'traced'}(${unit})`, right: true, of: ({ ns }) => written(ns, unit) },
    { head: 'share', right: true, of: ({ ns }) => percent(ns, traced) },
  ]
  if (estimate && untraced !== undefined)
    columns.push(
      { head: 'probes', right: true, of: ({ probes }) => probes && Number(probes.toFixed(2)) },
      { head: `untraced(${unit})`, right: true, of: ({ estimated = 0 }) => written(estimated, unit) },
      { head: 'share', right: true, of: ({ estimated = 0 }) => percent(estimated, untraced) },
    )
  return textTable(columns, rows)
}

/** What was done about the tracing, as a line; empty where nothing was. */
function assumption({ parts, sum, traced, untraced, estimate }: Sum, unit: TimeUnit): string {
  if (!estimate || untraced === undefined) return ''
  const { method, amount, emptied } = estimate
  const added = `${written(traced - untraced, unit)} ${unit}`
  const kept = traced - sum >= 0.5 ? '; what is in no part has no probes, and keeps its time' : ''
  if (method === 'scale')
    return `scaled, which is an assumption: tracing adds ${added}, to each part in proportion to its time; each is multiplied by ${amount.toFixed(4)}${kept}`
  const probes = Number(parts.reduce((total, part) => total + part.probes, 0).toFixed(2))
  const none = emptied > 0 ? `; from ${emptied} no more than they have` : ''
  return `subtracted, which is an assumption: tracing adds ${added}, each of ${probes} probes the same; ${written(amount, unit)} ${unit} a probe${none}${kept}`
}

/** With their times, those without tracing where they are estimated. */
export function sumSequence(title: string, sum: Sum, unit: TimeUnit): Sequence {
  const whole = sum.untraced ?? sum.traced
  let timed = 0
  const steps = sum.parts.map(({ from, to, text, ns }) => {
    if (ns === undefined) return { from, to, text }
    const time = sum.estimate?.times[timed] ?? ns
    timed++
    return { from, to, text, time: `${written(time, unit)} ${unit}`, share: whole === 0 ? 0 : time / whole }
  })
  const remark = assumption(sum, unit)
  return { title, steps, remarks: remark ? [remark] : [] }
}

function nameOf({ text, from, to }: SumPart): string {
  const place = from === to ? from : `${from} -> ${to}`
  return short(place && text ? `${place}: ${text}` : text || place, 80)
}

function written(ns: number, unit: TimeUnit): string {
  return (ns / perUnit[unit]).toFixed(3)
}

function percent(ns: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * ns) / whole).toFixed(1)}%`
}
