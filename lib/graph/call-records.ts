/** A tree as `call` records, callers first: `level` says how deep in the tree, 0 is its root. */
import { selfOf, type Tree, walk } from './tree.js'

export function* callRecords(tree: Tree, number: number): Generator<string> {
  const lines: string[] = []
  const { src, cpu, pid, comm, irq, cycles } = tree
  walk(tree, (call, path) => {
    const time = call.time === undefined ? undefined : (cycles ? BigInt.asUintN(64, call.time) : call.time).toString()
    lines.push(
      JSON.stringify({
        type: 'call',
        src: src === '' ? undefined : src,
        cpu,
        pid,
        comm,
        tree: number,
        level: path.length - 1,
        func: call.func,
        irq: irq || undefined,
        ...(cycles ? { start_tsc: time } : { start_ts: time }),
        total_ns: call.total,
        self_ns: selfOf(call),
      }),
    )
  })
  yield* lines
}
