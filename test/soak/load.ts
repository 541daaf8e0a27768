/**
 * The load: umask(2), at a rate, each call with its number as the argument, which is what the tracepoint shows (the
 * kernel looks at the lowest nine bits). Reads calls a second from stdin, a line each; at its end it says how many
 * calls it made.
 */
import { createInterface } from 'node:readline'
import { steadily } from './steadily.js'

let calls = 0
const steady = steadily((count) => {
  for (let i = 0; i < count; i++) process.umask(++calls)
})
// the call before the first; it makes no files
process.umask(0)
for await (const line of createInterface(process.stdin)) steady.rate = Number(line)
steady.stop()
process.stdout.write(`${calls}\n`)
