/** irq-map's table of interrupts: of this machine, or of a saved /proc/interrupts. */
import { type Context, Failure } from '../cli/tool.js'
import type { Out } from '../wire/output.js'
import { readWhole } from '../wire/whole.js'
import { irqTable } from './drawing.js'
import { type Machine, readMachine } from './machine.js'
import { type IrqRecord, irqRecord, isOf } from './record.js'
import { type Interrupt, readTable } from './table.js'

/** What all that irq-map does has in common. */
export interface Run {
  context: Context
  out: Out
  json: boolean
  /** Where the files of the machine are. */
  root: string
  wanted: readonly string[]
}

/** `file`: a saved table; undefined: this machine's. */
export async function list(run: Run, file: string | undefined) {
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

export async function tableOf({ context }: Run, path: string): Promise<Interrupt[]> {
  const whole = await readWhole(path, context.onStop).catch((error: Error) => {
    throw new Failure(error.message)
  })
  const { interrupts, bad } = readTable(whole.text)
  for (const { line, reason } of bad) context.bad(`${whole.name}:${line}`, reason)
  return interrupts
}

/** Those that the user asked for, each with what is known of it. A name that is none is said. */
export function chosen(
  { context, wanted }: Run,
  interrupts: readonly Interrupt[],
  machine: Machine | undefined,
): IrqRecord[] {
  const records = interrupts.map((interrupt) => irqRecord(interrupt, machine))
  for (const name of wanted)
    if (!records.some((record) => isOf(record, name))) context.problem(`--of ${name}: no interrupt is of that`)
  return wanted.length === 0 ? records : records.filter((record) => wanted.some((name) => isOf(record, name)))
}
