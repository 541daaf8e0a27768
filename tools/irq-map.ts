/**
 * irq-map - which device and queue an interrupt is, and which CPU it goes to.
 *
 * Reads /proc/interrupts and what sysfs says of the PCI devices, or a saved /proc/interrupts alone: the number
 * that an MSI has at its controller holds the device's address. It shows where interrupts go (--watch: how often)
 * and sends them elsewhere (--affinity).
 *
 * What can mislead: counts are since boot, and 32 bits wide. What was set is not always what is in effect: both are shown.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { drive } from '../lib/cli/drive.js'
import { type Context, Failure, type Spec, source, Usage } from '../lib/cli/tool.js'
import { parseDuration } from '../lib/clock/duration.js'
import {
  affinityOf,
  affinityText,
  offlineOf,
  parseSetting,
  pendingText,
  type Setting,
  setAffinity,
} from '../lib/interrupts/affinity.js'
import { irqTable, learntTable, rateTable } from '../lib/interrupts/drawing.js'
import { learnStage } from '../lib/interrupts/learn-stage.js'
import { type Machine, readMachine } from '../lib/interrupts/machine.js'
import { rates } from '../lib/interrupts/rates.js'
import { type IrqRecord, irqRecord, isOf } from '../lib/interrupts/record.js'
import { type Interrupt, readTable } from '../lib/interrupts/table.js'
import type { Out } from '../lib/wire/output.js'
import { readWhole } from '../lib/wire/whole.js'

const spec = {
  name: 'irq-map',
  summary: 'which device and queue an interrupt is, and which CPU it goes to',
  operands: '[file...]',
  own: Number.POSITIVE_INFINITY,
  options: {
    of: {
      type: 'string',
      array: true,
      value: 'name',
      describe:
        "only these: a number, an interrupt's name (virtio2-*), the address of a device, its driver, its interface or disk; may come again",
    },
    watch: {
      alias: 'w',
      type: 'string',
      value: 'interval',
      describe: 'how often they come, every so long, until ^C; without a value 1s',
    },
    count: { alias: 'n', type: 'number', value: 'n', describe: 'how many intervals to watch' },
    affinity: {
      type: 'string',
      array: true,
      value: 'irq=cpulist',
      describe: 'send this interrupt to these CPUs, and say what the kernel made of it; may come again',
    },
    'dry-run': { type: 'boolean', default: false, describe: 'with --affinity: change nothing' },
    learn: {
      type: 'boolean',
      default: false,
      describe: "from recordings of host and guest: which vector on which vCPU is which of the guest's interrupts",
    },
    root: {
      type: 'string',
      value: 'folder',
      default: '/',
      describe: 'where proc and sys are: a copy, or another mount',
    },
    json: { type: 'boolean', default: false, describe: 'write records instead of a table' },
  },
  examples: [
    'irq-map --of eth1',
    'irq-map interrupts.txt',
    'irq-map --watch 1s --of virtio_net',
    'irq-map --affinity 57=1 --affinity 58=2-3',
    'order host.ndjson guest.ndjson | irq-map --learn --json',
  ],
} as const satisfies Spec

interface Run {
  context: Context
  out: Out
  json: boolean
  /** Where the files of the machine are. */
  root: string
  wanted: readonly string[]
}

export default source(spec, async (options, context, out) => {
  const root = options.root.replace(/\/+$/, '')
  const run: Run = { context, out, json: options.json, root, wanted: options.of ?? [] }
  const files = given(context)
  const settings = (options.affinity ?? []).map((text) => usage(() => parseSetting(text)))
  if (options['dry-run'] && settings.length === 0) throw new Usage('--dry-run is for --affinity')
  if (options.count !== undefined && options.watch === undefined) throw new Usage('--count is for --watch')
  if (options.learn) {
    if (settings.length > 0 || options.watch !== undefined)
      throw new Usage('--learn looks at recordings, not at this machine')
    return learn(run, files.length > 0 ? files : ['-'])
  }
  const [file, ...more] = files
  if (more.length > 0) throw new Usage('one saved table at a time')
  if (file !== undefined && (options.watch !== undefined || settings.length > 0))
    throw new Usage('a saved table can be neither watched nor changed')
  if (settings.length > 0 && options.watch !== undefined) throw new Usage('one of --affinity and --watch')
  if (settings.length > 0) return change(run, settings, options['dry-run'])
  if (options.watch === undefined) return list(run, file)
  return watch(
    run,
    usage(() => parseDuration(options.watch || '1s')),
    options.count ?? Number.POSITIVE_INFINITY,
  )
})

/** No file is this machine, and `-` is stdin. */
function given({ operands, files }: Context): readonly string[] {
  return operands.length === 0 && files.join() !== '-' ? files : operands
}

function usage<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw new Usage((error as Error).message)
  }
}

async function list(run: Run, file: string | undefined) {
  const interrupts = await tableOf(run, file ?? `${run.root}/proc/interrupts`)
  const records = chosen(run, interrupts, file === undefined ? readMachine(run.root) : undefined)
  if (!run.json) {
    run.context.print(irqTable(records))
    return undefined
  }
  for (const record of records) run.out.write(JSON.stringify(record))
  const devices = new Set(records.map(({ device }) => device).filter((device) => device !== undefined))
  return {
    line: `${records.length} interrupts, of ${devices.size} PCI devices`,
    counts: { interrupts: records.length, devices: devices.size },
  }
}

async function tableOf({ context }: Run, path: string): Promise<Interrupt[]> {
  const whole = await readWhole(path, context.onStop).catch((error: Error) => {
    throw new Failure(error.message)
  })
  const { interrupts, bad } = readTable(whole.text)
  for (const { line, reason } of bad) context.bad(`${whole.name}:${line}`, reason)
  return interrupts
}

/** Those that the user asked for, each with what is known of it. A name that is none is said. */
function chosen({ context, wanted }: Run, interrupts: readonly Interrupt[], machine: Machine | undefined): IrqRecord[] {
  const records = interrupts.map((interrupt) => irqRecord(interrupt, machine))
  for (const name of wanted)
    if (!records.some((record) => isOf(record, name))) context.problem(`--of ${name}: no interrupt is of that`)
  return wanted.length === 0 ? records : records.filter((record) => wanted.some((name) => isOf(record, name)))
}

async function watch(run: Run, interval: number, times: number) {
  const { context, out, root, json } = run
  const stop = new AbortController()
  context.onSignal(() => stop.abort())
  const machine = readMachine(root)
  let before = await tableOf(run, `${root}/proc/interrupts`)
  let since = process.hrtime.bigint()
  const own = new Set(chosen(run, before, machine).map(({ irq }) => irq))
  for (let i = 0; i < times; i++) {
    await sleep(interval / 1e6, undefined, { signal: stop.signal }).catch(() => {})
    if (stop.signal.aborted) break
    const now = await tableOf(run, `${root}/proc/interrupts`)
    const at = process.hrtime.bigint()
    const ns = Number(at - since)
    const rows = rates(before, now, ns)
      .filter(({ interrupt }) => run.wanted.length === 0 || own.has(interrupt.irq))
      .map((rate) => ({ rate, record: irqRecord(rate.interrupt, machine) }))
    if (json)
      for (const { rate, record } of rows)
        out.write(
          JSON.stringify({
            ...record,
            type: 'irq_rate',
            interval_ns: ns,
            rates: Object.fromEntries(rate.perCpu),
            rate: rate.total,
          }),
        )
    else context.print(`${rows.length > 0 ? rateTable(rows) : 'no interrupt came\n'}\n`)
    out.flush()
    before = now
    since = at
  }
  return undefined
}

/** Each interrupt by itself: one that the kernel refuses does not keep the others from being set. */
async function change({ context, out, root, json }: Run, settings: readonly Setting[], dryRun: boolean) {
  let set = 0
  for (const setting of settings) {
    const { irq, cpus } = setting
    try {
      const offline = offlineOf(root, setting)
      if (offline.length > 0) context.warn(`interrupt ${irq}: CPU ${offline.join(', ')} is not online`)
      const before = affinityOf(root, irq)
      if (!dryRun) setAffinity(root, setting)
      const after = affinityOf(root, irq)
      if (!dryRun) set++
      if (json)
        out.write(
          JSON.stringify({ type: 'irq_affinity', irq, asked: cpus, before, after, dry_run: dryRun || undefined }),
        )
      else if (dryRun) context.print(`interrupt ${irq}: ${cpus} would be written, now ${affinityText(before)}\n`)
      else
        context.print(
          `interrupt ${irq}: was ${affinityText(before)}; now ${affinityText(after)}${pendingText(after)}\n`,
        )
    } catch (error) {
      context.problem((error as Error).message)
    }
  }
  return json ? { line: `${set} of ${settings.length} set`, counts: { asked: settings.length, set } } : undefined
}

/** A vector that is not clear is left out and said: a wrong key would make wrong pairs. */
async function learn({ context, out, json, wanted }: Run, files: readonly string[]) {
  if (wanted.length > 0) throw new Usage('--of is for the interrupts of a machine')
  const stage = learnStage()
  await drive({ ...context, files }, stage.accept, out)
  const { names, told } = stage.guests()
  if (names.length > 1 && !told)
    throw new Failure(
      `${names.length} guests (${names.join(', ')}): key-map --vm must first say which of them an MSI concerns`,
    )
  const { learnt, unclear } = stage.result()
  for (const { src, cpu, vector, agreed, observed, injected } of unclear)
    context.warn(
      `${src || 'guest'}: vector ${vector} of vCPU ${cpu} is not clear: ${injected} injected, ${observed} times alone, the most frequent interrupt then ${agreed} times`,
    )
  if (!json) {
    context.print(learntTable(learnt))
    return undefined
  }
  for (const { src, irq, name, cpu, vector, agreed, observed, injected, told: by } of learnt)
    out.write(
      JSON.stringify({
        type: 'irq',
        src: src || undefined,
        irq,
        name,
        vector,
        target: cpu,
        apic_id: cpu,
        told: by || undefined,
        agreed,
        observed,
        injected,
      }),
    )
  return {
    line: `${learnt.length} vectors learnt, ${unclear.length} not clear`,
    counts: { learnt: learnt.length, unclear: unclear.length },
  }
}
