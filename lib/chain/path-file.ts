/**
 * The path file, of which vmpipe-path(5) is the manual: a line a fact, `#` begins a comment line.
 *
 *     path two-guests-ping
 *     let vm1_vhost = 523
 *     within 100ms
 *     stage tap0_rx
 *       event netif_receive_skb
 *       src host
 *       where name == "vnet0" && len == 84
 *       out skb = skbaddr
 *     stage ovs_req
 *       event ovs_do_execute_action,ovs_dp_upcall
 *       in skb = skbaddr
 */
import { parseDuration } from '../clock/duration.js'
import { checkPath, type EventPattern, isEvent, type Link, type Path, policies, type Stage } from './path.js'

const NAME = /^[A-Za-z_]\w*$/
const LONGEST = 1 << 20

/** `given`: NAME=VALUE, which come before the file's own. Throws an Error with the line, where it is of one. */
export function parsePathFile(text: string, given: readonly string[], file: string): Path {
  if (text.length > LONGEST) throw new Error(`${file}: longer than 1 MiB: no path file`)
  const path: Path = { name: '', stages: [], lets: new Map(given.map(letOf)) }
  const own = new Set<string>()
  let within: number | undefined
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(line) ?? []
    try {
      take(word, rest)
    } catch (error) {
      throw new Error(`${file}:${i + 1}: ${(error as Error).message}`)
    }
  }
  for (const stage of path.stages) if (stage.event === '') throw new Error(`${file}: stage ${stage.name} has no event`)
  for (const [name] of path.lets) if (!own.has(name)) throw new Error(`--let ${name}: the path has no such name`)
  try {
    checkPath(path)
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`)
  }
  if (path.name === '') path.name = path.stages.map(({ name }) => name).join(' => ')
  return path

  function take(word: string, rest: string): void {
    const stage = path.stages.at(-1)
    if (word === 'stage') path.stages.push(stageOf(rest, path.stages.length === 0, within))
    else if (stage) takeOfStage(stage, word, rest)
    else if (word === 'path') path.name = words(rest)
    else if (word === 'within') within = parseDuration(rest)
    else if (word === 'let') {
      const [name, value] = letOf(rest)
      own.add(name)
      if (!path.lets.has(name)) path.lets.set(name, value)
    } else throw new Error(`${JSON.stringify(word)} is not path, let, within or stage`)
  }
}

function stageOf(rest: string, first: boolean, within: number | undefined): Stage {
  const [name = '', optional, ...more] = rest.split(/\s+/)
  if (!NAME.test(name) || more.length > 0 || (optional !== undefined && optional !== 'optional'))
    throw new Error('a stage is: stage NAME, or stage NAME optional')
  return {
    name,
    event: '',
    where: undefined,
    whose: first ? 'any' : 'same',
    in: [],
    out: [],
    policy: 'last',
    optional: optional !== undefined,
    within: first ? undefined : within,
    until: undefined,
  }
}

function takeOfStage(stage: Stage, word: string, rest: string): void {
  if (rest === '') throw new Error(`${word} says nothing`)
  switch (word) {
    case 'event':
      stage.event = eventOf(rest)
      return
    case 'src':
      stage.whose = rest === 'any' ? 'any' : { src: rest }
      return
    case 'where':
      stage.where = rest
      return
    case 'in':
      stage.in.push(linkOf(rest))
      return
    case 'out':
      stage.out.push(linkOf(rest))
      return
    case 'policy':
      stage.policy = policyOf(rest)
      return
    case 'within':
      stage.within = parseDuration(rest)
      return
    case 'until':
      stage.until = patternOf(rest)
      return
    default:
      throw new Error(`${JSON.stringify(word)} is not event, src, where, in, out, policy, within, until or stage`)
  }
}

function eventOf(text: string): string {
  if (!isEvent(text)) throw new Error(`${JSON.stringify(text)} is not an event name, or names with commas between`)
  return text
}

function policyOf(text: string): Stage['policy'] {
  const policy = policies.find((known) => known === text)
  if (policy === undefined) throw new Error(`${JSON.stringify(text)} is not ${policies.join(', ')}`)
  return policy
}

function patternOf(text: string): EventPattern {
  const [, event = '', where] = /^(\S+)(?:\s+where\s+(\S[\s\S]*))?$/.exec(text) ?? []
  return { event: eventOf(event), where }
}

/** `skb = skbaddr`; `pid` alone is `pid = pid`. */
function linkOf(text: string): Link {
  const [, name = '', expression = name] = /^(\w+)(?:\s*=(?!=)\s*(\S[\s\S]*))?$/.exec(text) ?? []
  if (!NAME.test(name)) throw new Error(`${JSON.stringify(text)} is not NAME = EXPRESSION`)
  return { name, expression }
}

function letOf(text: string): [string, string] {
  const [, name = '', value = ''] = /^(\w+)\s*=\s*(\S[\s\S]*)$/.exec(text) ?? []
  if (!NAME.test(name)) throw new Error(`${JSON.stringify(text)} is not NAME = VALUE`)
  return [name, value]
}

function words(text: string): string {
  if (text === '') throw new Error('the path needs a name')
  return text
}
