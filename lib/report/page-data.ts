/**
 * What the page gets: all that it shows, as one JSON value. Times are ns (or cycles) from `base`, so that they
 * are exact as numbers; names stand once, in `texts`, with control characters already visible.
 */

export interface PageData {
  title: string
  version: string
  unit: 'ns' | 'cycles'
  /** The instant that all times are counted from, an integer as text. */
  base: string
  /** The stretch that is shown. */
  from: number
  to: number
  /** Wall clock less the stream's, ns as text; absent where the stream does not say. */
  wall?: string
  pairs: number
  /** Each start ⇒ end, over all its keys; largest total first. */
  paths: LatencyData[]
  /** Each key of each, largest total first. `keyed`: some have a key. */
  series: SeriesData[]
  keyed: boolean
  grid: GridData
  points: PointsData
  /** The slowest of each path, slowest first. */
  slow: SlowData[]
  losses: LossData[]
  clocks: ClockData[]
  /** Starts and ends that closed to pairs, and what did not. */
  account: string[]
  /** What was thinned or left out, in words. */
  notes: string[]
  texts: string[]
}

export interface LatencyData {
  start: string
  end: string
  calls: number
  total: string
  min: number
  max: number
  /** At p50, p95, p99, p99.9. */
  percentiles: number[]
  /** Distribution: how many calls are at most so long; pairs of two numbers, ascending. */
  curve: number[]
}

export interface SeriesData extends LatencyData {
  /** Index of its path. */
  path: number
  key?: string
  /** Column, row, count: three numbers a cell. */
  cells: number[]
}

/** A cell is `width` wide and an octave / `perOctave` high: row 0 is below 1, row r from 2^((r-1)/perOctave). */
export interface GridData {
  width: number
  perOctave: number
}

/** Single pairs: time of the end, latency, index of the series: three numbers a point. */
export interface PointsData {
  of: number
  points: number[]
}

export interface Place {
  /** Index in `texts`. */
  src: number
  cpu?: number
  pid?: number
}

export interface SlowData {
  series: number
  start: number
  delta: number
  /** What the latency may be, as far as the clocks are known; absent: no bound on that side. */
  least?: number
  most?: number
  from: Place
  to: Place
  timeline?: TimelineData
}

/** Times are from the pair's start. */
export interface TimelineData {
  from: number
  to: number
  lanes: LaneData[]
  /** Lanes with the start's and the end's place. */
  startLane: number
  endLane: number
  /** How many events there were, and lanes that are not drawn. */
  events: number
  hidden: number
  /** What was before this was no longer held. */
  cut?: number
  /** A stretch in the middle whose events are left out. */
  gap?: [number, number]
  split?: SplitData
}

export type LaneKind = 'cpu' | 'vcpu'

export interface LaneData {
  src: number
  kind: LaneKind
  /** Number of the CPU or vCPU. */
  number: number
  /** Of a vCPU: its thread. */
  thread?: number
  /** Of a vCPU: its guest, where known. */
  vm?: number
  host: boolean
  /** From, to, state, text: four numbers each; `inner`: interrupts, above the task. */
  segments: number[]
  inner: number[]
  /** Time, event's name, task, its text: four numbers each. */
  marks: number[]
}

/** How a vCPU spent the time of a pair. */
export interface SplitData {
  vcpu: number
  thread: number
  guest: number
  host: number
  /** It ran, and no kvm_entry or kvm_exit says where. */
  running: number
  waiting: number
  sleeping: number
  /** What ran on its CPU while it waited: text, ns; two numbers each. */
  instead: number[]
}

/** State of a segment. */
export const IDLE = 0
export const TASK = 1
export const VCPU_TASK = 2
export const IN_GUEST = 3
export const IN_HOST = 4
export const WAITING = 5
export const SLEEPING = 6
export const IRQ = 7
export const SOFTIRQ = 8
/** Several short ones. */
export const MIXED = 9

export interface LossData {
  src: number
  cpu?: number
  count?: number
  /** Absent: since when, or until when, is not known. */
  from?: number
  to?: number
}

/** What may have to be added to the times of `src`, held against those of `other`, ns. */
export interface ClockData {
  src: number
  other: number
  low?: number
  high?: number
  /** Index in `texts`: what says so. */
  by: number
}
