/** `export folded`, `export speedscope`: the calls of function_graph, in the forms that graph(1) writes them in. */
import type { Context, Stage } from '../cli/tool.js'
import { callTrees } from '../graph/calls.js'
import { recordedCalls } from '../graph/recorded-calls.js'
import { treeWriter } from '../graph/writers.js'

const MOST_CALLS = 100_000

export function calledTrees(form: 'folded' | 'speedscope', context: Context): Stage {
  const trees = treeWriter(form, { levels: 1, print: (text) => context.print(text), write() {} })
  const calls = callTrees({ maxCalls: MOST_CALLS, irqsInside: false, sought: () => true, done: trees.add })
  const recorded = recordedCalls(calls, false)
  return {
    event: recorded.event,
    record: recorded.record,
    end() {
      trees.end()
      if (trees.left > 0) context.problem(`${trees.left} trees are left out: a speedscope file takes 1,000,000 calls`)
      const { broken_trees: broken } = calls.counts()
      return { line: `${trees.count} trees${broken > 0 ? `, ${broken} broken ones left out` : ''}` }
    },
  }
}
