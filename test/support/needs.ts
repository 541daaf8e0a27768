/** What a test needs of this machine: without it the test is skipped with the reason, and in CI it fails. */
import { spawnSync } from 'node:child_process'

/** For a test's `skip`: which of these programs is missing. */
export function without(...programs: string[]): string | false {
  const lacking = programs.find((program) => spawnSync(program, ['--version']).error)
  return lacking ? skipped(`${lacking} is not installed`) : false
}

export function skipped(reason: string): string {
  if (process.env.CI === 'true') throw new Error(`CI must have it: ${reason}`)
  return reason
}
