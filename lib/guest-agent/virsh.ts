/** A guest agent through libvirt, which has its socket open where it manages the VM: `virsh qemu-agent-command`. */
import { execFile } from 'node:child_process'
import { type Agent, AgentError, ANSWER_MAX, returned, shown } from './answer.js'

/** What virsh may take beyond the agent's own time, to start and to connect. */
const SLACK_MS = 10_000

/** `timeout` in ms, for each answer; virsh has it in whole seconds. */
export function openVirsh(domain: string, timeout: number, uri?: string): Agent {
  return {
    call: async (command, args) =>
      returned(command, await virsh(JSON.stringify({ execute: command, arguments: args }))),
    close() {},
  }

  function virsh(command: string): Promise<string> {
    const seconds = String(Math.max(1, Math.ceil(timeout / 1000)))
    const connect = uri === undefined ? [] : ['--connect', uri]
    const args = [...connect, 'qemu-agent-command', '--domain', domain, '--timeout', seconds, '--cmd', command]
    const limits = { maxBuffer: ANSWER_MAX, timeout: timeout + SLACK_MS, killSignal: 'SIGKILL' } as const
    return new Promise((done, fail) => {
      execFile('virsh', args, limits, (error, stdout, stderr) => {
        if (error) fail(new AgentError(reason(error, stderr)))
        else done(stdout)
      })
    })
  }
}

/** virsh's own lines, which say what it could not do and why. */
function reason(
  { code, killed, message }: Error & { code?: string | number | null; killed?: boolean },
  said: string,
): string {
  if (code === 'ENOENT') return 'virsh is not installed, and this is no path of a socket'
  if (code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `an answer longer than ${ANSWER_MAX >> 20} MiB`
  if (killed) return 'virsh does not answer'
  const lines = said.split('\n').filter((line) => line.startsWith('error: '))
  return shown(lines.map((line) => line.slice('error: '.length)).join(': ') || said.trim() || message)
}
