/** Interrupts, and their rates, as tables for people. */
import { type Column, textTable } from '../drawing/text-table.js'
import type { Learnt } from './learn.js'
import type { Rate } from './rates.js'
import type { IrqRecord } from './record.js'

/** Machines have hundreds of CPUs: the busiest of an interrupt are named, the others counted. */
const SHOWN_CPUS = 8

const what: Column<IrqRecord>[] = [
  { head: 'irq', right: true, of: ({ irq }) => irq },
  { head: 'name', of: ({ name }) => name },
  { head: 'device', of: ({ device }) => device },
  { head: 'msi', right: true, of: ({ msi_index }) => msi_index },
  { head: 'driver', of: ({ driver, virtio_driver }) => virtio_driver ?? driver },
  { head: 'serves', of: ({ serves }) => serves?.join(',') },
]

const where: Column<IrqRecord>[] = [
  { head: 'affinity', of: ({ affinity }) => affinity },
  { head: 'effective', of: ({ effective }) => effective },
  { head: 'vector', right: true, of: ({ vector }) => vector },
  { head: 'target', right: true, of: ({ target }) => target },
  { head: 'total', right: true, of: ({ total }) => total },
  { head: 'CPU:count', of: ({ counts = {} }) => busiest(Object.entries(counts).map(([cpu, n]) => [Number(cpu), n])) },
]

export function irqTable(records: readonly IrqRecord[]): string {
  return textTable([...what, ...where], records)
}

export interface RateRow {
  record: IrqRecord
  rate: Rate
}

export function rateTable(rows: readonly RateRow[]): string {
  const columns: Column<RateRow>[] = [
    ...what.map(({ of, ...column }) => ({ ...column, of: ({ record }: RateRow) => of(record) })),
    { head: 'per second', right: true, of: ({ rate }) => rate.total.toFixed(1) },
    {
      head: 'CPU:per second',
      of: ({ rate }) => busiest([...rate.perCpu].map(([cpu, n]) => [cpu, Number(n.toFixed(1))])),
    },
  ]
  return textTable(columns, rows)
}

/** `agreed`: of the times that the vector was alone. */
export function learntTable(rows: readonly Learnt[]): string {
  return textTable<Learnt>(
    [
      { head: 'guest', of: ({ src }) => src },
      { head: 'vCPU', right: true, of: ({ cpu }) => cpu },
      { head: 'vector', right: true, of: ({ vector }) => vector },
      { head: 'irq', right: true, of: ({ irq }) => irq },
      { head: 'name', of: ({ name }) => name },
      { head: 'injected', right: true, of: ({ injected }) => injected },
      { head: 'alone', right: true, of: ({ observed }) => observed },
      { head: 'agreed', right: true, of: ({ agreed }) => agreed },
      { head: 'told', of: ({ told }) => (told ? 'by the guest' : '') },
    ],
    rows,
  )
}

/** `2:59165 1:29863`, in the order of the CPUs. */
function busiest(counts: [number, number][]): string {
  const some = counts.filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1])
  const shown = some.slice(0, SHOWN_CPUS).sort((a, b) => a[0] - b[0])
  const left = some.length - shown.length
  return `${shown.map(([cpu, count]) => `${cpu}:${count}`).join(' ')}${left > 0 ? ` and ${left} CPUs more` : ''}`
}
