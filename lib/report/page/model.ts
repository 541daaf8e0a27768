/** What the parts of the page share: the data, what is chosen, and who wants to know. */
import type { PageData, SeriesData, SlowData } from '../page-data.js'
import { type Format, formatOf } from './format.js'
import { makeTip, type Tip } from './tip.js'

export interface Model {
  data: PageData
  format: Format
  tip: Tip
  /** Index of the series that is looked at; null: all. */
  readonly series: number | null
  /** Index of the slow pair that is looked at. */
  readonly slow: number
  choose(series: number | null): void
  look(slow: number): void
  /** Called when either changes. */
  onChange(listener: () => void): void
  text(index: number): string
  /** `virtio0-input.0`, or the path where there is no key. */
  nameOf(series: number): string
  /** Class of a series' colour. */
  colourOf(series: number): string
}

/** So many series have a colour of their own. */
export const COLOURS = 8

export function modelOf(data: PageData): Model {
  const listeners: (() => void)[] = []
  let series: number | null = null
  // the slowest of which there is something to see
  let slow = Math.max(0, data.slow.findIndex(isDrawn))
  const tell = () => {
    for (const listener of listeners) listener()
  }
  return {
    data,
    format: formatOf(data),
    tip: makeTip(),
    get series() {
      return series
    },
    get slow() {
      return slow
    },
    choose(chosen) {
      series = chosen
      tell()
    },
    look(chosen) {
      slow = Math.max(0, Math.min(data.slow.length - 1, chosen))
      tell()
    },
    onChange: (listener) => listeners.push(listener),
    text: (index) => data.texts[index] ?? '',
    nameOf: (index) => nameOf(data.series[index]),
    colourOf: (index) => (index < COLOURS ? `c${index}` : 'cx'),
  }
}

/** Is it known what ran, anywhere? */
export function isDrawn({ timeline }: SlowData): boolean {
  return timeline?.lanes.some(({ segments }) => segments.length > 0) === true
}

function nameOf(series: SeriesData | undefined): string {
  if (!series) return ''
  if (series.key === undefined) return pathName(series)
  return /^-?\d+$/.test(series.key) ? `key ${series.key}` : series.key
}

/** `kvm_msi_set_irq ⇒ irq_handler_entry`: without their systems. */
export function pathName({ start, end }: { start: string; end: string }): string {
  return `${bare(start)} ⇒ ${bare(end)}`
}

function bare(event: string): string {
  return event.slice(event.indexOf(':') + 1)
}

/** `host CPU 0`. */
export function placeName({ text }: Model, { src, cpu }: SlowData['from']): string {
  return `${text(src) || 'machine'}${cpu === undefined ? '' : ` CPU ${cpu}`}`
}
