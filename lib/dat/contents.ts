/** What is in a trace.dat, whatever its version. */
import type { Reader } from './bytes.js'
import type { Options, Part } from './options.js'
import type { Unpack } from './unpack.js'

/** A part of the metadata, read when it is wanted. */
export type Held = () => Reader

export interface Contents {
  /** Something is missing, and the rest is here: what. */
  broken: string | undefined
  options: Options
  header: Held
  ftrace: Held
  events: Held
  kallsyms: Held | undefined
  printk: Held | undefined
  cmdlines: Held | undefined
  buffers: { name: string; pageSize?: number | undefined; parts: Part[]; packed: Unpack | false }[]
}
