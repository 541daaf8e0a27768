/** What this machine can do for vmpipe. Nothing is changed. */
import type { Finding } from './findings.js'
import { guest, host } from './machine.js'
import { tracing } from './tracing.js'

export function examine(): Finding[] {
  return [{ what: 'Node.js', state: 'ok', says: process.version }, ...tracing(), ...host(), ...guest()]
}
