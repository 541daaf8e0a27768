/**
 * The nested lab: a KVM host with a guest in it, all emulated by QEMU. Runs in the host the commands of
 * examples/nested-kvm.md (its ```sh on=host blocks), and prints each and what it printed.
 *
 *     npm run lab                the example
 *     npm run lab -- FILE...     these bash scripts instead
 *     npm run lab -- -           lines of stdin instead, each as it comes
 *     UPDATE=1 npm run lab       the example; output and recording are written into examples/. Then UPDATE=1 npm test
 *                                for what is made of the recording, and a look at the prose: it speaks of these numbers
 *
 * Needs what tests in a real guest need (CONTRIBUTING.md), 4 GB of memory, and two minutes or three. A host that panics
 * at boot, or a guest that dies, is the emulation's fault and comes about: then the example begins anew, twice.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { bootGuest, type Guest, noGuest } from '../support/guest.js'

const DOCUMENT = 'examples/nested-kvm.md'
const RECORDING = 'examples/data/nested-kvm.ndjson.gz'
const ATTEMPTS = 3
const STEP_MS = 300_000
const block = /^```sh on=host\n([\s\S]*?)^```\n+^```text\n[\s\S]*?^```$/gm

async function lab(files: readonly string[]): Promise<void> {
  const from = Date.now()
  const host = await bootGuest({ node: true, kvm: true })
  console.log(`# the host is up after ${secondsSince(from)} s\n`)
  try {
    if (files.length === 0) await example(host)
    for (const file of files) {
      if (file === '-') await lines(host)
      else await step(host, readFileSync(file, 'utf8'))
    }
  } finally {
    await host.stop()
  }
  console.log(`# ${secondsSince(from)} s in all`)
}

async function example(host: Guest): Promise<void> {
  const text = readFileSync(DOCUMENT, 'utf8')
  const printed: string[] = []
  for (const [, script = ''] of text.matchAll(block)) printed.push(await step(host, script))
  if (!process.env.UPDATE) return
  const recording = await host.run('gzip -9 <both.ndjson | base64')
  writeFileSync(RECORDING, Buffer.from(recording, 'base64'))
  const both = (script: string) => `\`\`\`sh on=host\n${script}\`\`\`\n\n\`\`\`text\n${printed.shift()}\`\`\``
  writeFileSync(
    DOCUMENT,
    text.replace(block, (_whole, script: string) => both(script)),
  )
}

/** Shows a script and what it prints. */
async function step(host: Guest, script: string): Promise<string> {
  const from = Date.now()
  console.log(`host# ${script.trimEnd().replaceAll('\n', '\n      ')}`)
  const { stdout, status } = await runInHost(host, script)
  console.log(`${stdout}# ${secondsSince(from)} s\n`)
  if (status !== 0) throw new Error(`that failed with status ${status}`)
  return stdout
}

async function lines(host: Guest): Promise<void> {
  for await (const line of createInterface({ input: process.stdin })) {
    const { stdout, status } = await runInHost(host, line)
    console.log(`${stdout}# status ${status}`)
  }
}

/** Both of its outputs in one, as a terminal has them. */
function runInHost(host: Guest, script: string) {
  const command = 'cat >/tmp/step; exec bash -o pipefail /tmp/step </dev/null 2>&1'
  return host.sh(command, { input: script, timeout: STEP_MS })
}

function secondsSince(from: number): string {
  return ((Date.now() - from) / 1000).toFixed(0)
}

async function attempts(files: readonly string[]): Promise<void> {
  const lacking = noGuest({ node: true, kvm: true })
  if (lacking) throw new Error(lacking)
  for (let left = ATTEMPTS - 1; ; left--) {
    try {
      return await lab(files)
    } catch (error) {
      // what a user's own commands have done need not bear a second time
      if (left === 0 || files.length > 0) throw error
      console.error(`lab: ${(error as Error).message}\nlab: once more\n`)
    }
  }
}

attempts(process.argv.slice(2)).catch((error: Error) => {
  console.error(`lab: ${error.message}`)
  process.exitCode = 1
})
