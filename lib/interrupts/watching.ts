/** How often interrupts come: the difference of two readings of /proc/interrupts, again and again. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rateTable } from './drawing.js'
import { chosen, type Run, tableOf } from './listing.js'
import { readMachine } from './machine.js'
import { rates } from './rates.js'
import { irqRecord } from './record.js'

/** `interval` in ns; until a signal, or so many times. */
export async function watch(run: Run, interval: number, times: number) {
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
