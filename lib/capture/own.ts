/**
 * The reader's own threads, whose events are left out: by the kernel where it can (set_event_notrace_pid, Linux
 * 5.8), and by the decoder.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { exists, set } from '../tracefs/tracefs.js'
import { scanner } from '../wire/memory.js'

/** Threads come and go: to be called now and then. */
export function leaveOutOwn(instance: string): () => void {
  const files = ['set_event_notrace_pid', 'set_ftrace_notrace_pid'].map((name) => join(instance, name)).filter(exists)
  let known = ''
  return () => {
    const threads = readdirSync('/proc/self/task')
    const now = threads.join(' ')
    if (now === known) return
    known = now
    for (const thread of threads) scanner.setOwn(Number(thread))
    for (const file of files) {
      try {
        set(file, now, file)
      } catch {
        // a tracer that this kernel lets nobody use needs no filter
      }
    }
  }
}
