/**
 * Entries and exits of functions into call trees. An exit closes the innermost open call of its thread if depth and
 * name are the same; anything else says that something is missing, and the thread's open trees are broken: given
 * up, with all calls in them. So does a loss. What is missing is never guessed.
 */
import { entersInterrupt } from './interrupts.js'
import { type Frame, innermost, type Task, taskKey } from './task.js'
import type { Call, Note, Tree } from './tree.js'

/** The deepest that the kernel has been seen to go is 50 (FTRACE_RETFUNC_DEPTH), in newer kernels some hundred. */
const MAX_DEPTH = 512
const MAX_TASKS = 8192

export interface Place {
  src: number
  srcName: string
  cpu: number | undefined
  pid: number | undefined
  comm: string | undefined
  time: bigint | undefined
  cycles: boolean
}

export interface Exit {
  func: string | undefined
  depth: number
  /** Undefined: the times of entry and exit tell, if they are ns. */
  duration: number | undefined
  start: bigint | undefined
}

export interface CallsOptions {
  /** Calls of open trees held at most. */
  maxCalls: number
  /** Interrupts are calls of what they came in. */
  irqsInside: boolean
  sought(func: string): boolean
  done(tree: Tree): void
}

export interface CallCounts {
  calls: number
  open: number
  broken: number
  orphans: number
  trees: number
  broken_trees: number
  cut: number
  over: number
}

export type CallTrees = ReturnType<typeof callTrees>

export function callTrees({ maxCalls, irqsInside, sought, done }: CallsOptions) {
  const tasks = new Map<string, Task>()
  const running = new Map<string, string>()
  const counts: CallCounts = { calls: 0, open: 0, broken: 0, orphans: 0, trees: 0, broken_trees: 0, cut: 0, over: 0 }
  let held = 0

  function taskOf({ src, pid, cpu }: Place): Task | undefined {
    return tasks.get(taskKey(src, pid, cpu))
  }

  function newTask({ src, pid, cpu }: Place): Task {
    const [oldest] = tasks.keys()
    if (tasks.size >= MAX_TASKS && oldest !== undefined) giveUp(oldest)
    const task: Task = { src, pid, cpu, frames: [], marked: false }
    tasks.set(taskKey(src, pid, cpu), task)
    return task
  }

  /** All open trees of a thread. */
  function giveUp(key: string): void {
    const task = tasks.get(key)
    if (!task) return
    tasks.delete(key)
    for (const tree of new Set(task.frames.map(({ tree }) => tree))) {
      counts.broken_trees++
      counts.broken += tree.calls + tree.cut
      held -= tree.calls + tree.notes
    }
  }

  /** Into the innermost call, where there is room. */
  function note(task: Task, inside: Note): void {
    const tree = task.frames.at(-1)?.tree
    if (!tree || held >= maxCalls) return
    held++
    tree.notes++
    innermost(task)?.inside.push(inside)
  }

  function newTree(place: Place, root: Call, irq: boolean): Tree {
    const { srcName: src, cpu, pid, comm, cycles } = place
    return { src, cpu, pid, comm, cycles, irq, root, calls: 0, cut: 0, notes: 0, switches: 0, found: false }
  }

  function push(task: Task, place: Place, func: string, depth: number): void {
    const { time } = place
    const top = task.frames.at(-1)
    const irq = task.marked || entersInterrupt(func, top?.tree.irq === true)
    task.marked = false
    const call: Call = { func, time, start: place.cycles ? undefined : time, total: 0, inner: 0, inside: [] }
    const tree = top && (irqsInside || !irq) ? top.tree : newTree(place, call, irq)
    const kept = tree.root === call || held < maxCalls
    if (kept) {
      held++
      tree.calls++
      if (tree.root !== call) innermost(task)?.inside.push(call)
    } else tree.cut++
    tree.found ||= sought(func)
    task.frames.push({ call: kept ? call : null, func, depth, time, tree })
  }

  function close(task: Task, frame: Frame, duration: number, start: bigint | undefined): void {
    task.frames.pop()
    const { call, tree } = frame
    if (!call) return
    call.total = duration
    call.start = start ?? call.start
    if (call.inner > duration) counts.over++
    const outer = innermost(task)
    if (outer) outer.inner += duration
    if (tree.root !== call) return
    if (outer) note(task, { note: `interrupt: ${call.func}()`, ns: duration })
    counts.trees++
    counts.calls += tree.calls + tree.cut
    counts.cut += tree.cut
    held -= tree.calls + tree.notes
    done(tree)
  }

  return {
    entry(place: Place, func: string, depth: number): void {
      const key = taskKey(place.src, place.pid, place.cpu)
      const top = tasks.get(key)?.frames.at(-1)
      if (top && (top.depth >= depth || (tasks.get(key)?.frames.length ?? 0) >= MAX_DEPTH)) giveUp(key)
      push(tasks.get(key) ?? newTask(place), place, func, depth)
    },
    /** False: how long it took is nowhere told. */
    exit(place: Place, { func, depth, duration, start }: Exit): boolean {
      const key = taskKey(place.src, place.pid, place.cpu)
      const task = tasks.get(key)
      const top = task?.frames.at(-1)
      if (!task || !top) {
        counts.orphans++
        return true
      }
      if (top.depth !== depth || (func !== undefined && func !== top.func)) {
        counts.orphans++
        giveUp(key)
        return true
      }
      const took = duration ?? between(top, place)
      if (took === undefined) giveUp(key)
      else close(task, top, took, start)
      if (task.frames.length === 0) tasks.delete(key)
      return took !== undefined
    },
    /** The next function of this thread is the entry to an interrupt. */
    interrupt(place: Place): void {
      const task = taskOf(place)
      if (task) task.marked = true
    },
    /** Whoever runs on this CPU now; `text` tells it to the tree of who did before. */
    runs(place: Place, text: string): void {
      const { src, cpu, pid } = place
      if (cpu === undefined || pid === undefined) return
      const key = taskKey(src, pid, cpu)
      const where = `${src} ${cpu}`
      const before = running.get(where)
      if (before === key) return
      running.set(where, key)
      const task = before === undefined ? undefined : tasks.get(before)
      const tree = task?.frames.at(-1)?.tree
      if (!task || !tree) return
      tree.switches++
      note(task, { note: text })
    },
    /** Who ran on a CPU without a name until now. */
    named(place: Place): void {
      const unnamed = taskKey(place.src, undefined, place.cpu)
      const key = taskKey(place.src, place.pid, place.cpu)
      const task = tasks.get(unnamed)
      if (!task || place.pid === undefined || tasks.has(key)) return
      tasks.delete(unnamed)
      task.pid = place.pid
      tasks.set(key, task)
      for (const { tree } of task.frames) Object.assign(tree, { pid: place.pid, comm: place.comm })
    },
    event(place: Place, text: () => string): void {
      const task = taskOf(place)
      if (task && held < maxCalls) note(task, { note: text() })
    },
    /**
     * Events of `src` (0: whose is not known) on `cpu` are missing. A thread may have been there meanwhile and have
     * come back, so all its open trees may lack calls; only the idle tasks of other CPUs cannot have been there.
     */
    lost(src: number, cpu: number | undefined): void {
      for (const [key, task] of tasks) {
        if (src !== 0 && task.src !== src) continue
        const elsewhere = cpu !== undefined && task.pid === 0 && task.cpu !== cpu
        if (!elsewhere) giveUp(key)
      }
    },
    /** What is left is open. */
    counts(): CallCounts {
      counts.open = 0
      for (const { frames } of tasks.values())
        for (const tree of new Set(frames.map((frame) => frame.tree))) counts.open += tree.calls + tree.cut
      return counts
    },
  }
}

function between(top: Frame, { time, cycles }: Place): number | undefined {
  if (cycles || time === undefined || top.time === undefined || top.tree.cycles) return undefined
  const took = Number(time - top.time)
  return took >= 0 && Number.isSafeInteger(took) ? took : undefined
}
