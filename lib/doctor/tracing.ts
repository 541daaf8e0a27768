/** What the kernel offers a capture: tracefs, its clocks and its tracers. It is looked at, not tried. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { kernelTscKhz } from '../tracefs/clock.js'
import { isLeftBehind } from '../tracefs/instance.js'
import { readKernelLog } from '../tracefs/kernel-log.js'
import { directories, exists, Refused, tracefs } from '../tracefs/tracefs.js'
import type { Finding } from './findings.js'

export function tracing(): Finding[] {
  const root = rootOf()
  if (typeof root !== 'string') return [root]
  return [instances(root), clock(root), tsc(), probes(root), events(root), ...left(root)]
}

function rootOf(): string | Finding {
  try {
    return tracefs()
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    // `no tracefs here: mount ...`: the reason, and what to do
    const [says = '', advice] = error.message.split(': ')
    return { what: 'tracefs', state: 'missing', says, advice: advice ?? 'run this, and captures, as root' }
  }
}

function instances(root: string): Finding {
  if (exists(join(root, 'instances'))) return { what: 'tracefs', state: 'ok', says: `${root}, with instances` }
  const advice = 'captures need an instance of their own: Linux 3.10 or later'
  return { what: 'tracefs', state: 'missing', says: `${root} has no instances`, advice }
}

function clock(root: string): Finding {
  const known = text(join(root, 'trace_clock')).replace(/[[\]]/g, '').split(' ')
  if (known.includes('x86-tsc')) return { what: 'trace clock', state: 'ok', says: 'x86-tsc: events have cycles' }
  const advice = 'captures use mono; timelines of host and guest can be aligned by --estimate only'
  return { what: 'trace clock', state: 'limited', says: `no x86-tsc among ${known.join(', ')}`, advice }
}

/** A counter that neither frequency nor sleep of the processor changes, and that the kernel itself trusts. */
function tsc(): Finding {
  const what = 'TSC'
  const flags = /^flags\s*:(.*)$/m.exec(text('/proc/cpuinfo'))?.[1]?.split(' ') ?? []
  const lacking = ['constant_tsc', 'nonstop_tsc'].filter((flag) => !flags.includes(flag))
  const source = text('/sys/devices/system/clocksource/clocksource0/current_clocksource')
  const khz = kernelTscKhz(readKernelLog())
  const rate = khz === undefined ? 'its rate is measured by each capture' : `${(khz / 1000).toFixed(3)} MHz`
  if (lacking.length > 0)
    return {
      ...{ what, state: 'limited', says: `the processor does not promise ${lacking.join(' and ')}` },
      advice: 'cycles may not be time: capture with --clock mono, and compare',
    }
  if (source === 'tsc' || source === 'kvm-clock')
    return { what, state: 'ok', says: `${rate}; constant, and does not stop; clock source ${source}` }
  return {
    ...{ what, state: 'limited', says: `the kernel keeps time by ${source || 'something else'}, not by the TSC` },
    advice: 'dmesg | grep -i tsc says why; counters of the CPUs may differ',
  }
}

const TRACERS = { function: '-f', function_graph: '-g' }
const PROBES = { kprobe_events: 'kprobes', uprobe_events: 'uprobes' }

function probes(root: string): Finding {
  const tracers = text(join(root, 'available_tracers')).split(' ')
  const lacking = [
    ...Object.entries(PROBES).flatMap(([file, name]) => (exists(join(root, file)) ? [] : [`${name} (-p)`])),
    ...Object.entries(TRACERS).flatMap(([name, option]) => (tracers.includes(name) ? [] : [`${name} (${option})`])),
  ]
  if (lacking.length === 0) return { what: 'tracers', state: 'ok', says: 'kprobes, uprobes, function, function_graph' }
  return {
    ...{ what: 'tracers', state: 'limited', says: `this kernel has no ${lacking.join(', no ')}` },
    advice: 'events (-e) are there all the same; the others are chosen when a kernel is built',
  }
}

function events(root: string): Finding {
  const systems = directories(join(root, 'events'))
  const wanted = ['sched', 'irq', 'kvm'].filter((system) => !systems.includes(system))
  const says = `${systems.length} systems${wanted.length > 0 ? `, without ${wanted.join(' and ')}` : ', with sched, irq and kvm'}`
  if (!wanted.includes('kvm') || !exists('/dev/kvm')) return { what: 'events', state: 'ok', says }
  return { what: 'events', state: 'limited', says, advice: 'modprobe kvm_intel, or kvm_amd: its events come with it' }
}

function left(root: string): Finding[] {
  const names = directories(join(root, 'instances')).filter(isLeftBehind)
  if (names.length === 0) return []
  const says = `killed captures left ${names.join(', ')}`
  return [{ what: 'left behind', state: 'limited', says, advice: 'the next capture removes them' }]
}

/** '' where it cannot be read. */
function text(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}
