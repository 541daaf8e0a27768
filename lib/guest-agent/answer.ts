/**
 * What a guest agent answers (QEMU, qga/qapi-schema.json): {"return": …} or {"error": {"class", "desc"}}.
 * The agent is the guest's, so nothing in an answer is trusted: neither its size nor its types, and a text
 * of it that is shown is cut and made visible.
 */
import { oneLine } from '../drawing/visible.js'

/** The agent did not do what it was asked, or cannot be reached. */
export class AgentError extends Error {}

export interface Agent {
  /** Runs one of the agent's commands; answers what it returned. */
  call(command: string, args?: object): Promise<unknown>
  close(): void
}

/** Two streams of 16 MiB (GUEST_EXEC_MAX_OUTPUT in qga/commands.c) in base64 are 43 MiB. */
export const ANSWER_MAX = 64 << 20

const SHOWN = 300

/** A text of the guest as part of a message. */
export function shown(text: string): string {
  return oneLine(text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text)
}

/** What a command returned. Throws AgentError where it failed, or where this is no answer. */
export function returned(command: string, text: string): unknown {
  const answer = parsed(command, text)
  if ('error' in answer) {
    const desc = isObject(answer.error) ? answer.error.desc : undefined
    throw new AgentError(`${command}: ${shown(typeof desc === 'string' ? desc : JSON.stringify(answer.error))}`)
  }
  if (!('return' in answer)) throw new AgentError(`${command}: neither return nor error: ${shown(text)}`)
  return answer.return
}

function parsed(command: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // said below, as is a value that is no object
  }
  throw new AgentError(`${command}: the answer is no JSON object: ${shown(text)}`)
}

/** The version, and the commands with whether they may be used, of guest-info. */
export function readInfo(value: unknown): { version: string; commands: { name: string; enabled: boolean }[] } {
  const { version, supported_commands: commands } = isObject(value) ? value : {}
  if (typeof version !== 'string' || !Array.isArray(commands)) throw strange('guest-info', value)
  return {
    version,
    commands: commands.map((entry: unknown) => {
      const { name, enabled } = isObject(entry) ? entry : {}
      if (typeof name !== 'string' || typeof enabled !== 'boolean') throw strange('guest-info', entry)
      return { name, enabled }
    }),
  }
}

export interface Exited {
  /** The exit status; 128 and the signal's number where one ended it, as a shell has it. */
  status: number
  stdout: Buffer
  stderr: Buffer
  /** The names of what was longer than the agent keeps. */
  cut: string[]
}

/** guest-exec-status: what became of a process; null while it runs. */
export function readStatus(value: unknown): Exited | null {
  if (!isObject(value) || typeof value.exited !== 'boolean') throw strange('guest-exec-status', value)
  if (!value.exited) return null
  const { exitcode, signal } = value
  const code = Number.isInteger(signal) ? 128 + (signal as number) : exitcode
  if (!Number.isInteger(code)) throw strange('guest-exec-status', value)
  return {
    status: (code as number) & 0xff,
    stdout: bytes(value['out-data']),
    stderr: bytes(value['err-data']),
    cut: [
      ['stdout', value['out-truncated']],
      ['stderr', value['err-truncated']],
    ].flatMap(([name, cut]) => (cut === true ? [name as string] : [])),
  }
}

/** guest-exec: the process's number in the guest. */
export function readPid(value: unknown): number {
  const { pid } = isObject(value) ? value : {}
  if (!Number.isSafeInteger(pid)) throw strange('guest-exec', value)
  return pid as number
}

function bytes(base64: unknown): Buffer {
  return Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64')
}

function strange(command: string, value: unknown): AgentError {
  return new AgentError(`${command}: not what this command returns: ${shown(JSON.stringify(value) ?? 'nothing')}`)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
