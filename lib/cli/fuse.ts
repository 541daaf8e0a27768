/**
 * Fusing: a pipeline written as a shell would read it, run as stages of one process. Words, quotes and
 * backslashes are the shell's (shell-quote); of its operators only `|`.
 */
import { parse } from 'shell-quote'
import { Answer } from './options.js'
import { runSteps, type Step } from './run.js'
import { type Spec, type Tool, Usage } from './tool.js'

/** Each tool by its name, loaded when it is asked for. */
export type Tools = Record<string, () => Promise<{ default: Tool }>>

/** The arguments of `vmpipe`. Answers the status. */
export async function runCommandLine(args: readonly string[], spec: Spec, tools: Tools): Promise<number> {
  const [first] = args
  if (first === undefined) throw new Usage(`which tool, or which pipeline? There are ${names(tools)}`)
  if (first === '--help' || first === '-h') throw new Answer(help(spec, tools))
  if (first === '--version') throw new Answer(VERSION)
  if (args.length === 1 && /[\s|]/.test(first))
    return runSteps(await Promise.all(words(first).map((command) => step(command, tools))))
  return runSteps([await step(args, tools)])
}

declare const VERSION: string

function names(tools: Tools): string {
  return Object.keys(tools).join(', ')
}

function help(spec: Spec, tools: Tools): string {
  return `Usage: vmpipe ${spec.operands}\n\nvmpipe - ${spec.summary}\n\nTools: ${names(tools)}\n\nvmpipe <tool> --help tells of one.`
}

/** `a b | c 'd e'` is [[a, b], [c, d e]]. */
export function words(pipeline: string): string[][] {
  if (/['"]/.test(pipeline.replaceAll(/\\.|'[^']*'|"(?:\\.|[^"\\])*"/gs, ''))) throw new Usage('a quote is not closed')
  const steps: string[][] = [[]]
  // a $ stays a $: there are no variables here
  for (const word of parse(pipeline, (name) => `$${name}`)) {
    if (typeof word === 'string') steps.at(-1)?.push(word)
    else if ('pattern' in word) steps.at(-1)?.push(word.pattern)
    else if ('op' in word && word.op === '|') steps.push([])
    else throw new Usage(`${'op' in word ? word.op : '#'} is for the shell; a pipeline in one process has | only`)
  }
  if (steps.some((step) => step.length === 0)) throw new Usage('a pipeline needs a tool on each side of |')
  return steps
}

async function step([name = '', ...args]: readonly string[], tools: Tools): Promise<Step> {
  const load = Object.hasOwn(tools, name) ? tools[name] : undefined
  if (!load) throw new Usage(`there is no tool ${JSON.stringify(name)}; there are ${names(tools)}`)
  return { tool: (await load()).default, args }
}
