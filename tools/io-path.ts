/**
 * io-path - a guest's block request, to the host and back.
 *
 * From the guest's block_rq_issue: the kick that tells the host, the host's thread that is woken for it and runs, the
 * system call that reads or writes the disk image, what that asks of the host's disk, the injection of the
 * interrupt, the guest's handler, block_rq_complete. Reads events of both in the order of time, writes a `chain` record for each
 * request that was completed. A stage that cannot be told for sure is empty, and counted with the reason.
 *
 * What can mislead: an image whose sectors are not at their own offset (qcow2), or that is not read by system calls
 * with an offset (io_uring), has no sys_enter and sys_exit here, and other threads' calls may look like them.
 */
import { accountLine, gapsText, sum } from '../lib/block-io/account.js'
import { type Fact, factReader } from '../lib/block-io/facts.js'
import { guests } from '../lib/block-io/guests.js'
import type { GivenQueue } from '../lib/block-io/queues.js'
import { stages } from '../lib/block-io/request.js'
import { reportText } from '../lib/block-io/table.js'
import { chainRecord } from '../lib/chain/chain-record.js'
import { filter, type Spec } from '../lib/cli/tool.js'
import { parseDuration, showDuration } from '../lib/clock/duration.js'
import { cpusOf } from '../lib/interrupts/affinity.js'
import { readMaps } from '../lib/interrupts/irq-keys.js'
import { lossOf } from '../lib/wire/lost.js'
import { idOf } from '../lib/wire/names.js'
import type { Out } from '../lib/wire/output.js'

const spec = {
  name: 'io-path',
  summary: "a guest's block request, to the host and back, stage by stage",
  operands: '[file...]',
  own: 0,
  options: {
    dev: {
      type: 'string',
      array: true,
      value: 'major,minor',
      describe: 'only requests for this disk of the guest; may come again',
    },
    queue: {
      type: 'string',
      array: true,
      default: [] as string[],
      value: 'address[/index]=cpulist',
      describe: "the guest's CPUs whose requests are told of at this address, instead of learning it; may come again",
    },
    'irq-map': {
      type: 'string',
      array: true,
      value: '[guest=]file',
      describe:
        "which injected MSI is which of the guest's interrupts, from records of irq-map, instead of learning it; may come again for other guests",
    },
    host: { type: 'string', default: 'host', value: 'src', describe: 'whose events are the host' },
    than: {
      type: 'string',
      value: 'duration',
      coerce: duration,
      describe: 'write only requests that took longer',
    },
    'max-open': { type: 'number', default: 4096, describe: 'requests under way, a guest; the oldest is given up' },
    table: { type: 'boolean', default: false, describe: 'print what was found, and what not, instead of records' },
  },
  examples: [
    'order guest.ndjson host.ndjson | io-path | stages',
    'io-path --table both.ndjson',
    'io-path --than 10ms --irq-map map.ndjson --queue 0xfebfb000=0 --queue 0xfebfb004=1-3 both.ndjson',
  ],
} as const satisfies Spec

const path = { name: 'block-io', stages: stages.map((name) => ({ name })) }

function duration(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text)
}

export default filter(spec, (options, context) => {
  const { than, table } = options
  const disks = options.dev && new Set(options.dev.map(devOf))
  const told = {
    queues: options.queue.map(queueOf),
    vectors: options['irq-map'] && readMaps(options['irq-map'], context.bad),
  }
  const read = factReader(options.host)
  let output: Out
  let slower = 0
  let worst = 0n
  let late = false

  const all = guests({
    told,
    host: idOf(options.host),
    maxOpen: options['max-open'],
    done(followed) {
      const took = Number((followed.stamps.at(-1)?.time ?? 0n) - (followed.stamps[0]?.time ?? 0n))
      if (than !== undefined && took <= than) return
      slower++
      if (!table) output.write(chainRecord(path, followed, followed.links))
    },
    acausal(by) {
      if (by > worst) worst = by
    },
    late() {
      late = true
    },
  })

  return {
    event(record, out) {
      output = out
      const fact = read(record)
      if (fact && concerns(fact, disks)) all.take(fact)
    },
    record(record, out) {
      output = out
      if (record.type === 'lost') all.loss(lossOf(record))
      if (!table) out.pass(record)
    },
    end(out) {
      output = out
      all.end()
      const reports = all.reports()
      const account = sum(reports.map((report) => report.account))
      if (late)
        context.problem('a loss was told after requests that may span it had gone out; put order before io-path')
      if (account.acausal > 0)
        context.problem(
          `${account.acausal} requests have a stage earlier than the one before, by up to ${showDuration(Number(worst))}: without order before io-path, or the clocks disagree`,
        )
      if (all.unplaced > 0)
        context.problem(
          `${all.unplaced} events of the host do not say which of ${reports.length} guests they concern; key-map --vm tells it`,
        )
      if (table) context.print(reports.map(reportText).join('\n') || 'no requests\n')
      const { started, whole, gaps, ...others } = account
      const kept = than === undefined ? {} : { than_ns: than, slower }
      const lacking = gapsText(reports)
      return {
        line:
          accountLine(account, lacking) +
          (than === undefined ? '' : `; ${slower} took longer than ${showDuration(than)}`),
        counts: table
          ? undefined
          : {
              path: path.name,
              started,
              completed: whole + gaps,
              whole,
              gaps,
              without: lacking || undefined,
              ...others,
              ...kept,
            },
      }
    },
  }
})

/** Is it of a disk that was asked for? */
function concerns(fact: Fact, disks: ReadonlySet<string> | undefined): boolean {
  if (disks === undefined) return true
  return fact.is === 'issue' || fact.is === 'complete' || fact.is === 'requeue' ? disks.has(fact.extent.dev) : true
}

function devOf(text: string): string {
  if (!/^\d{1,4},\d{1,7}$/.test(text))
    throw new Error(`--dev ${JSON.stringify(text)} is not MAJOR,MINOR, such as 254,0`)
  return text
}

function queueOf(text: string): GivenQueue {
  const [, address = '', index = '', cpus = ''] = /^(0x[0-9a-f]{1,16})(\/\d{1,5})?=(.+)$/i.exec(text) ?? []
  if (address === '')
    throw new Error(`--queue ${JSON.stringify(text)} is not ADDRESS[/INDEX]=CPULIST, such as 0xfebfb000=0-3`)
  return { notify: `0x${BigInt(address).toString(16)}${index}`, cpus: new Set(cpusOf(cpus)) }
}
