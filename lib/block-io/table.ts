/** What io-path found, as tables: the account, the stages and why some are empty, queues and interrupts. */
import { type Column, textTable } from '../drawing/text-table.js'
import { oneLine } from '../drawing/visible.js'
import { accountLine, gapsText, type IrqRow, type QueueRow, type Report, stageRows } from './account.js'

const stageColumns: Column<ReturnType<typeof stageRows>[0]>[] = [
  { head: 'stage', of: ({ stage }) => stage },
  { head: 'came', right: true, of: ({ came }) => came },
  { head: 'empty', right: true, of: ({ empty }) => empty },
  { head: 'why', of: ({ why }) => why },
]

const queueColumns: Column<QueueRow>[] = [
  { head: 'notify', of: ({ notify }) => notify },
  { head: 'guest CPU', of: ({ cpus }) => cpus },
  { head: 'requests', right: true, of: ({ requests }) => requests },
  { head: 'kicks', right: true, of: ({ kicks }) => kicks },
  { head: 'idle kicks', right: true, of: ({ idle }) => idle },
]

const irqColumns: Column<IrqRow>[] = [
  { head: 'irq', right: true, of: ({ irq }) => irq },
  { head: 'name', of: ({ name }) => name },
  { head: 'vector on vCPU', of: ({ vector }) => vector },
  { head: 'injected', right: true, of: ({ injected }) => injected },
  { head: 'handlers', right: true, of: ({ handlers }) => handlers },
  { head: 'completing', right: true, of: ({ completing }) => completing },
  { head: 'requests', right: true, of: ({ requests }) => requests },
]

export function reportText(report: Report): string {
  const { guest, account, queues, irqs } = report
  const { calls, calls_idle } = account
  return [
    `${oneLine(guest)}: ${accountLine(account, gapsText([report]))}\n`,
    textTable(stageColumns, stageRows(report)),
    textTable(queueColumns, queues),
    textTable(irqColumns, irqs),
    calls === 0 ? '' : `${calls} reads and writes of the host, ${calls_idle} of them for no request\n`,
  ]
    .filter((part) => part !== '')
    .join('\n')
}
