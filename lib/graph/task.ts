/** The open calls of one thread: the kernel keeps them for each task, whichever CPU it runs on. */
import type { Call, Tree } from './tree.js'

export interface Frame {
  /** Null: beyond the limit, counted only. */
  call: Call | null
  func: string
  depth: number
  time: bigint | undefined
  tree: Tree
}

export interface Task {
  src: number
  cpu: number | undefined
  pid: number | undefined
  frames: Frame[]
  /** The next function is the entry to an interrupt. */
  marked: boolean
}

/** The idle tasks all have pid 0, and a thread that nobody named is known by its CPU. */
export function taskKey(src: number, pid: number | undefined, cpu: number | undefined): string {
  if (pid === undefined) return `${src} ? ${cpu}`
  return pid === 0 ? `${src} 0 ${cpu}` : `${src} ${pid}`
}

/** The innermost call that is held. */
export function innermost({ frames }: Task): Call | undefined {
  return frames.findLast(({ call }) => call !== null)?.call ?? undefined
}
