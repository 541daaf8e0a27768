/**
 * vmpipe - one tool, or a whole pipeline of them in one process.
 *
 *     vmpipe pair A B                            is  pair A B
 *     vmpipe 'order a b | pair X Y | histo'      is  order a b | pair X Y | histo
 *
 * The stages are the same functions, with no text between them; what comes out is the same, byte for byte. Two
 * words are no tools: `completion` prints what makes a shell complete all of them, `doctor` says what this machine
 * can do.
 */
import allTools from 'all-tools'
import { action } from '../lib/cli/action.js'
import { runCommandLine } from '../lib/cli/fuse.js'
import { command, type Tool, Usage } from '../lib/cli/tool.js'
import { scriptFor, shells } from '../lib/completion/script.js'
import { examine } from '../lib/doctor/examine.js'
import { findings } from '../lib/doctor/findings.js'

const completion = action(
  {
    name: 'vmpipe completion',
    summary: 'what a shell must be told to complete the tools and their options',
    operands: shells.join(' | '),
    own: 1,
    options: {},
    examples: ['eval "$(vmpipe completion bash)"'],
  },
  async (_, { operands, print }) => {
    const [shell] = operands
    if (operands.length !== 1 || !isShell(shell)) throw new Usage(`for which shell: ${shells.join(', ')}?`)
    const tools = await Promise.all(Object.values(allTools).map((load) => load()))
    print(scriptFor(shell, [...tools.map((tool) => tool.default), self, completion, doctor]))
    return 0
  },
)

const doctor = action(
  {
    name: 'vmpipe doctor',
    summary: 'what this machine can do for a capture, and what to do about the rest',
    operands: '',
    own: 0,
    options: { json: { type: 'boolean', default: false, describe: 'a JSON object a line' } },
    examples: ['vmpipe doctor', 'ssh kvm1 vmpipe doctor'],
  },
  async ({ json }, { operands, print }) => {
    if (operands.length > 0) throw new Usage(`what is ${JSON.stringify(operands[0])}?`)
    const found = examine()
    print(json ? found.map((finding) => `${JSON.stringify(finding)}\n`).join('') : findings(found))
    return found.some(({ state }) => state === 'missing') ? 1 : 0
  },
)

const spec = {
  name: 'vmpipe',
  summary: 'run a tool, or a pipeline of tools in one process',
  operands: "<tool> [argument...] | '<pipeline>' | completion <shell> | doctor [--json]",
  own: Number.POSITIVE_INFINITY,
  options: {},
  examples: ["vmpipe 'order host.ndjson guest.ndjson | pair A B | histo'"],
}

const inside = new Map<string, Tool>([
  ['completion', completion],
  ['doctor', doctor],
])

const self = command(spec, ([first = '', ...rest], own) => {
  const tool = inside.get(first)
  return tool?.command ? tool.command(rest, tool.spec) : runCommandLine(first ? [first, ...rest] : [], own, allTools)
})

function isShell(word: string | undefined): word is (typeof shells)[number] {
  return shells.some((shell) => shell === word)
}

export default self
