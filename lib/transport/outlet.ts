/**
 * An outlet: where the lines of a stream go out. One that has a single receiver (a device, a pipe, a file, a
 * connection) takes everything and says when it can take more; one that broadcasts never waits.
 */
import type { Patience } from './patience.js'
import type { Control, Dialect } from './session.js'

/** Whole lines, newlines included, all of them counted by `sent`. */
export interface Chunk {
  readonly bytes: Buffer
  readonly lines: number
  /** Times of the first and the last event, as the wire format has them, and their src where it is one. */
  readonly first?: string | undefined
  readonly last?: string | undefined
  readonly src?: string | undefined
}

export interface Outlet {
  /** Resolves once lines can go out; rejects where there is nothing to send to. */
  readonly opened: Promise<void>
  /** One receiver, which is waited for. */
  readonly single: boolean
  /** Nothing waits to be sent. */
  readonly idle: boolean
  chunk(chunk: Chunk): void
  control(control: Control): void
  /** A promise while too much waits. */
  ready(): Promise<void> | undefined
  /** Sends what waits, as long as there is patience. Answers how many lines were not sent. */
  close(patience: Patience): Promise<number>
  /** What its kind has to tell at the end: `, 2 clients`. */
  account(): string
}

export interface OutletOptions {
  /** How the transport's own records are written. Known once the first line is. */
  dialect: () => Dialect
  /** It cannot go on; said once, when nobody waits for it. */
  failed(error: Error): void
  /** Something to know, which is no failure. */
  say(message: string): void
}

/** Above this, a single receiver makes the reading wait. */
export const FULL = 1 << 18
