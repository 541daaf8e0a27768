/**
 * Loaded into each stage before its own program (`node --import`): from time to time all garbage is collected, and what
 * memory the process then has is written down. Between two full collections RSS says how lazy the collector is, and V8
 * leaves a process that makes little garbage alone for an hour; after one it says what the process holds.
 *
 *     COLLECT_TO=/tmp/x COLLECT_EVERY=300 NODE_OPTIONS='--import ./collect.mjs' pair ...
 *
 * `/tmp/x/<pid>` has a line `{"at": ms of CLOCK_REALTIME, "rss_kib": ..., "heap_kib": ...}` for each.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
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
  const { rss, heapUsed } = process.memoryUsage()
  const line = { at: Date.now(), rss_kib: Math.round(rss / 1024), heap_kib: Math.round(heapUsed / 1024) }
  appendFileSync(join(COLLECT_TO, `${process.pid}`), `${JSON.stringify(line)}\n`)
}, 1000 * Number(COLLECT_EVERY)).unref()
