/** What ties this machine to others: the guests that it runs, or the host that runs it. */
import { readdirSync, readFileSync } from 'node:fs'
import { Failure } from '../cli/tool.js'
import { guests, read } from '../kvm/processes.js'
import { findVm } from '../kvm/vm.js'
import type { Finding } from './findings.js'

export function host(): Finding[] {
  const running = [...guests()]
  if (running.length === 0) return [{ what: 'guests', state: 'none', says: 'no QEMU is running here' }]
  return running.flatMap(([pid, name]) => [clockOf(pid, name), agentOf(pid, name)])
}

/** Whether `tsc-align --vm` can read its offset. */
function clockOf(pid: number, name: string): Finding {
  const what = `guest ${name}`
  try {
    const vcpus = findVm(String(pid)).vcpus() ?? []
    const offsets = [...new Set(vcpus.map(({ offset }) => offset))]
    const says = `process ${pid}, ${count(vcpus.length, 'vCPU')}, TSC offset ${offsets.join(', ')}`
    return { what, state: 'ok', says: `${says}: tsc-align --vm ${pid}` }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const [, advice] = /(mount -t debugfs [^)]*)/.exec(error.message) ?? []
    return { what, state: 'limited', says: `process ${pid}: ${error.message}`, ...(advice ? { advice } : {}) }
  }
}

const AGENT = 'org.qemu.guest_agent.0'

/** QEMU has its name on the command line, libvirt's as well; whether anybody answers, `qga ... ping` finds out. */
function agentOf(pid: number, name: string): Finding {
  const what = `guest ${name}`
  const args = read(`/proc/${pid}/cmdline`, 'utf8') ?? ''
  if (args.includes(AGENT))
    return { what, state: 'ok', says: `has a port for the guest agent; qga ... ping says whether it answers` }
  return {
    ...{ what, state: 'limited', says: 'has no port for the guest agent' },
    advice: `qga needs one named ${AGENT}; ssh into the guest does as well`,
  }
}

/** As a guest. */
export function guest(): Finding[] {
  if (!/^flags\s*:.*\bhypervisor\b/m.test(readFileSync('/proc/cpuinfo', 'latin1'))) return []
  const ports = names('/dev/virtio-ports').filter((name) => name !== AGENT)
  const agent = names('/dev/virtio-ports').includes(AGENT)
  const runs = names('/proc').some((pid) => /^\d+$/.test(pid) && read(`/proc/${pid}/comm`) === 'qemu-ga\n')
  return [
    ports.length > 0
      ? {
          what: 'ports',
          state: 'ok',
          says: `to the host: ${ports.map((name) => `/dev/virtio-ports/${name}`).join(', ')}`,
        }
      : {
          ...{ what: 'ports', state: 'limited', says: 'this is a virtual machine without a port to its host' },
          advice: 'channel prints what the VM must be given; capture-guest writes into a file or over ssh, too',
        },
    ...(agent && !runs
      ? [
          {
            ...{ what: 'agent', state: 'limited' as const, says: 'there is a port for it, and no qemu-ga runs' },
            advice: 'install and start qemu-guest-agent, if the host is to start captures here',
          },
        ]
      : []),
  ]
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}
