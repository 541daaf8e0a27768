/**
 * qga - ask the guest agent of a VM, and run commands in the guest through it.
 *
 * exec starts a command and waits for its end: its output comes then, and its status is ours. With --detach
 * the command goes on by itself, as a capture should; wait fetches what became of it.
 *
 * What can mislead: the agent runs commands as root, without a shell and with a short PATH. An agent of most
 * distributions refuses guest-exec unless it is allowed in the guest. Ending qga does not end the command.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Action, action } from '../lib/cli/action.js'
import { say } from '../lib/cli/problems.js'
import { Failure, type Spec, Usage } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import { type Agent, AgentError, type Exited, readInfo, readPid, readStatus, shown } from '../lib/guest-agent/answer.js'
import { openSocket } from '../lib/guest-agent/socket.js'
import { openVirsh } from '../lib/guest-agent/virsh.js'
import { systemMessage } from '../lib/wire/system-message.js'

const spec = {
  name: 'qga',
  summary: 'ask the guest agent of a VM, and run commands in the guest',
  operands: '<target> ping | <target> info | <target> exec -- <command> [argument...] | <target> wait <pid>',
  own: 2,
  options: {
    timeout: {
      type: 'string',
      value: 'duration',
      default: '5s',
      coerce: parseDuration,
      describe: 'how long the agent may take for an answer; a command may run longer',
    },
    connect: { alias: 'c', type: 'string', value: 'uri', describe: "libvirt's connection, as virsh has it" },
    detach: { alias: 'd', type: 'boolean', default: false, describe: 'print the number of the process and let it run' },
    input: { alias: 'i', type: 'boolean', default: false, describe: 'give the command our stdin, at most 1 MiB' },
  },
  examples: [
    'qga vm1 ping',
    'qga /run/vm1/qga.sock exec -- cat /proc/interrupts',
    'channel --guest | qga vm1 exec --input -- sh',
    'qga vm1 exec --detach -- capture-guest -e irq:* --push /dev/virtio-ports/org.vmpipe.0',
  ],
} as const satisfies Spec

/** A command of the agent is one line, and libvirt takes 4 MiB of it. */
const INPUT_MAX = 1 << 20

/** As ssh has it, so that the command's own status is told from a failure to run it. */
const NOT_THE_COMMANDS = 255

const LONGEST_PAUSE_MS = 1000

interface Ask extends Action {
  agent: Agent
  detach: boolean
  input: boolean
}

const verbs: Record<string, (ask: Ask) => Promise<number>> = { ping, info, exec, wait }

export default action(spec, async ({ timeout, connect, detach, input }, action) => {
  const [target = '', verb = ''] = action.operands
  check(action, verb)
  let agent: Agent | undefined
  try {
    agent = await open(target, Math.ceil(timeout / 1e6), connect)
    return await (verbs[verb] as (typeof verbs)[string])({ ...action, agent, detach, input })
  } catch (error) {
    if (!(error instanceof AgentError) && !(error as NodeJS.ErrnoException).syscall) throw error
    const status = verb === 'exec' || verb === 'wait' ? NOT_THE_COMMANDS : 1
    throw new Failure(`${target}: ${error instanceof AgentError ? error.message : systemMessage(error)}`, status)
  } finally {
    agent?.close()
  }
})

function check({ operands, rest }: Action, verb: string): void {
  if (!Object.hasOwn(verbs, verb)) throw new Usage(`a target, and then one of ${Object.keys(verbs).join(', ')}`)
  if (verb === 'exec' && rest.length === 0) throw new Usage('which command? It stands after --')
  if (verb === 'wait' && !/^\d{1,10}$/.test(operands[2] ?? ''))
    throw new Usage('wait for which process? Its number is missing')
  const more = [...operands.slice(verb === 'wait' ? 3 : 2), ...(verb === 'exec' ? [] : rest)]
  if (more.length > 0) throw new Usage(`${JSON.stringify(more[0])} is too much; a command stands after --`)
}

/** A path or `unix:PATH` is the agent's own socket, any other name a domain of libvirt. */
async function open(target: string, timeout: number, uri: string | undefined): Promise<Agent> {
  const socket = target.startsWith('unix:') ? target.slice('unix:'.length) : target.includes('/') ? target : ''
  if (socket && uri !== undefined) throw new Usage('--connect is for libvirt, and the target is a socket')
  return socket ? openSocket(socket, timeout) : openVirsh(target, timeout, uri)
}

async function ping({ agent, print }: Ask): Promise<number> {
  await agent.call('guest-ping')
  print('alive\n')
  return 0
}

async function info({ agent, print }: Ask): Promise<number> {
  const { version, commands } = readInfo(await agent.call('guest-info'))
  print(`version ${shown(version)}\n`)
  print(commands.map(({ name, enabled }) => `${shown(name)} ${enabled ? 'enabled' : 'disabled'}\n`).join(''))
  return 0
}

async function exec(ask: Ask): Promise<number> {
  const { agent, detach, input, rest, print } = ask
  const [path, ...arg] = rest
  const data = input ? { 'input-data': (await stdin()).toString('base64') } : {}
  await mayRun(agent)
  const pid = readPid(await agent.call('guest-exec', { path, arg, 'capture-output': true, ...data }))
  if (!detach) return finish(ask, pid)
  print(`${pid}\n`)
  return 0
}

async function wait(ask: Ask): Promise<number> {
  return finish(ask, Number(ask.operands[2]))
}

/** Asked first: an agent that may not run commands is said so, by the names of what it refuses. */
async function mayRun(agent: Agent): Promise<void> {
  const { commands } = readInfo(await agent.call('guest-info'))
  const refused = ['guest-exec', 'guest-exec-status'].filter(
    (wanted) => !commands.some(({ name, enabled }) => name === wanted && enabled),
  )
  if (refused.length === 0) return
  throw new AgentError(
    `${refused.join(' and ')}: disabled in the guest's agent; qemu-ga's configuration there can allow it`,
  )
}

/** Asks again and again, with longer and longer pauses, whether the process has ended. */
async function finish({ agent, print }: Ask, pid: number): Promise<number> {
  let ended: Exited | null = null
  for (let pause = 10; !ended; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    ended = readStatus(await agent.call('guest-exec-status', { pid }))
    if (!ended) await sleep(pause)
  }
  print(ended.stdout)
  print(ended.stderr, 2)
  for (const name of ended.cut) say(`qga: the agent kept only the beginning of ${name}`)
  return ended.status
}

async function stdin(): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of process.stdin) {
    parts.push(part)
    length += part.length
    if (length > INPUT_MAX) throw new AgentError(`stdin is longer than ${INPUT_MAX >> 20} MiB`)
  }
  return Buffer.concat(parts)
}
