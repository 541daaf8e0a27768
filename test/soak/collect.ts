/**
 * Loaded into each stage before its own program (`node --import`): from time to time all garbage is collected, and what
 * memory the process then has is written down. Between two full collections RSS says how lazy the collector is, and V8
 * leaves a process that makes little garbage alone for an hour; after one it says what the process holds.
 *
 *     COLLECT_TO=/tmp/x COLLECT_EVERY=300 NODE_OPTIONS='--import ./collect.mjs' pair ...
 *
 * `/tmp/x/<pid>` has a line `{"at": ms of CLOCK_REALTIME, "rss_kib": ..., "beside_kib": ..., "heap_kib": ...}` for each:
 * all that is resident; of it what the process has made (so without the pages of programs and libraries) and V8's heap
 * does not have (buffers, native memory, stacks); what lives in the heap. The three do not add up: the heap keeps
 * pages, most of all of its young generation, that it does not use, more or less of them from one minute to the next.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const { COLLECT_TO = '', COLLECT_EVERY = '' } = process.env
/** How long V8's helpers may take to give pages back. */
const SETTLE_MS = 200

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

setInterval(async () => {
  // what the first one found dead, the second one may do without
  collect()
  collect()
  await sleep(SETTLE_MS, undefined, { ref: false })
  const { total_physical_size, used_heap_size } = getHeapStatistics()
  const rss_kib = resident('VmRSS')
  const beside_kib = resident('RssAnon') - Math.round(total_physical_size / 1024)
  const line = { at: Date.now(), rss_kib, beside_kib, heap_kib: Math.round(used_heap_size / 1024) }
  appendFileSync(join(COLLECT_TO, `${process.pid}`), `${JSON.stringify(line)}\n`)
}, 1000 * Number(COLLECT_EVERY)).unref()

/** KiB, of proc_pid_status(5). */
function resident(member: string): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(new RegExp(`^${member}:\\s+(\\d+) kB`, 'm').exec(status)?.[1])
}
