/**
 * Fusing: a pipeline written as a shell would read it, run as stages of one process. Words, quotes and
 * backslashes are the shell's (shell-quote); of its operators only `|`.
 */
import allTools from 'all-tools'
import { parse } from 'shell-quote'
import { Answer } from './options.js'
import { runSteps, type Step } from './run.js'
import { type Spec, Usage } from './tool.js'

/** The arguments of `vmpipe`. Answers the status. */
export async function runCommandLine(args: readonly string[], spec: Spec): Promise<number> {
  const [first] = args
  if (first === undefined) throw new Usage(`which tool, or which pipeline? There are ${names()}`)
  if (first === '--help' || first === '-h') throw new Answer(help(spec))
  if (first === '--version') throw new Answer(VERSION)
  if (args.length === 1 && /[\s|]/.test(first)) return runSteps(await Promise.all(words(first).map(step)))
  return runSteps([await step([...args])])
}

declare const VERSION: string

function names(): string {
  return Object.keys(allTools).join(', ')
}

function help(spec: Spec): string {
  return `Usage: vmpipe ${spec.operands}\n\nvmpipe - ${spec.summary}\n\nTools: ${names()}\n\nvmpipe <tool> --help tells of one.`
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

async function step([name, ...args]: string[]): Promise<Step> {
  const load = Object.hasOwn(allTools, name as string) ? allTools[name as string] : undefined
  if (!load) throw new Usage(`there is no tool ${JSON.stringify(name)}; there are ${names()}`)
  return { tool: (await load()).default, args }
}
