/**
 * Which guest an event concerns: a guest's own events carry their src's name; an event of the host is known
 * by the thread it happened in: one of QEMU's, or a vhost worker, which the kernel names `vhost-<pid of QEMU>`
 * (drivers/vhost/vhost.c).
 */
import { PID } from '../assembly/layout.js'
import { words } from '../wire/memory.js'
import { nameOf } from '../wire/names.js'
import type { RecordView } from '../wire/record.js'

/** Answers the guest's name as JSON text, or ''. Throws an Error where an option is not NAME=PID[,TID...]. */
export function vmFinder(options: readonly string[]): (record: RecordView, src: number) => string {
  const byPid = new Map<number, string>()
  const byName = new Map<string, string>()
  for (const option of options) {
    const match = /^([^=]+)=(\d+(?:,\d+)*)$/.exec(option)
    if (!match) throw new Error(`--vm ${JSON.stringify(option)} is not NAME=PID[,TID...]`)
    const [, name = '', pids = ''] = match
    const text = JSON.stringify(name)
    byName.set(name, text)
    for (const pid of pids.split(',')) {
      if (byPid.has(Number(pid))) throw new Error(`--vm: ${pid} is given for two guests`)
      byPid.set(Number(pid), text)
    }
  }
  return (record, src) => {
    const own = byName.get(nameOf(src))
    if (own) return own
    const thread = byPid.get(words[record.row + PID] as number)
    if (thread && record.pid !== undefined) return thread
    const worker = /^vhost-(\d+)$/.exec(record.comm ?? '')
    return (worker && byPid.get(Number(worker[1]))) || ''
  }
}
