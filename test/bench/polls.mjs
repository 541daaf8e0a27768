/**
 * A recording of Open vSwitch's polls as long as wanted, from a real one: `perf script` text of netdev_rxq_recv and
 * netdev_send, with the real lines and the real times between them. What a half minute of two pings a second gives:
 * hundreds of thousands of polls a second, two sends among them, 9,224,453 lines in all.
 *
 *     node test/bench/polls.mjs perf.txt [LINES]
 */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { argv } from 'node:process'
import { gunzipSync } from 'node:zlib'

/** What a user's half minute had. */
export const POLLS = 9_224_453
const POLLS_PER_SEND = 150_000
const recording = new URL('../../examples/data/ovs-sends.txt.gz', import.meta.url)

/** Lines of the polling thread: what stands before and behind the time, and the ns since the line before. */
function realLines() {
  const lines = []
  let last
  for (const line of gunzipSync(readFileSync(recording)).toString().split('\n')) {
    const [, before, s, ns, after, event] =
      /^( *pmd\S+ +\d+ \[\d+\] )( *\d+)\.(\d{9})(:.*probe_ovs:(\w+): .*)$/.exec(line) ?? []
    if (event !== 'netdev_rxq_recv' && event !== 'netdev_send') continue
    const time = Number(s) * 1e9 + Number(ns)
    // what was cut out between is no time of this thread
    lines.push({ before, after, event, since: Math.min(time - (last ?? time), 1e6) })
    last = time
  }
  return lines
}

/** Writes a file of so many lines: polls as they come, and a send with the poll before it every now and then. */
export function writePolls(path, count) {
  const fd = openSync(path, 'w')
  const real = realLines()
  const polls = real.filter((line, i) => line.event === 'netdev_rxq_recv' && real[i + 1]?.event === line.event)
  const sends = real.filter((line) => line.event === 'netdev_send')
  let time = 1212277 * 1e9
  let text = ''
  for (let n = 0; n < count; n++) {
    const due = n % POLLS_PER_SEND === POLLS_PER_SEND / 2
    const line = due ? sends[Math.floor(n / POLLS_PER_SEND) % sends.length] : polls[n % polls.length]
    time += line.since
    const fraction = time % 1e9
    text += `${line.before}${String((time - fraction) / 1e9).padStart(6)}.${String(fraction).padStart(9, '0')}${line.after}\n`
    if (text.length < 1 << 20) continue
    writeSync(fd, text)
    text = ''
  }
  writeSync(fd, text)
  closeSync(fd)
}

if (import.meta.filename === argv[1]) writePolls(argv[2], Number(argv[3] ?? POLLS))
