/**
 * A real guest for the tests: QEMU emulates all of it (no KVM needed), Debian's kernel with an initramfs,
 * a virtio-serial port as the tools use it, and a way to run shell commands in it.
 *
 *     const guest = await bootGuest({ node: true })
 *     after(() => guest.stop())
 *     await guest.run('where --version')                    // its stdout; fails where the status is not 0
 *     const host = connect(guest.port)                      // the other end of /dev/virtio-ports/org.vmpipe.0
 *
 * The guest lives no longer than this process: the kernel ends QEMU when its parent is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, type NetConnectOpts } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Contents, guestImage, writeInitramfs } from './guest-image.js'
import { skipped, without } from './needs.js'
import { openQmp, type Qmp } from './qmp.js'

export interface GuestOptions extends Contents {
  /** QEMU's options for the ports, instead of org.vmpipe.0 on a TCP port that is free. */
  ports?: string[]
  /** More options for QEMU. */
  qemu?: string[]
  /** MiB */
  memory?: number
  /**
   * 2, or 1 where functions or scheduler events are traced: the kernel writes an int3 over code that the other CPU
   * runs, and a multi-threaded emulation may take that for a real one (seen: panics and lock-ups with all functions
   * hooked, and a guest that was silent once sched_switch had been switched off).
   */
  cpus?: number
}

export interface Ran {
  stdout: string
  stderr: string
  status: number
}

export interface Guest {
  readonly pid: number
  /** The host's end of org.vmpipe.0: `127.0.0.1:41235`. */
  readonly port: string
  /** The guest agent's socket (of a guest that has one). */
  readonly agent: string
  /** A folder on this machine that goes when the guest goes. */
  readonly folder: string
  readonly bootMs: number
  /** Runs a command in the guest. */
  sh(command: string, how?: { input?: string | Buffer; timeout?: number }): Promise<Ran>
  /** The same, for what should succeed: its stdout. */
  run(command: string, how?: { input?: string | Buffer; timeout?: number }): Promise<string>
  qmp: Qmp
  /** What it wrote to its console. */
  console(): string
  /** Ends QEMU, as a power cut would. */
  kill(): void
  /** The same, waits for its end, and removes what it leaves. */
  stop(): Promise<void>
}

const BOOT_MS = 120_000
const COMMAND_MS = 60_000
const PORT = 'org.vmpipe.0'
const AGENT = 'org.qemu.guest_agent.0'

/** Why there can be no guest here, for a test's `skip`; in CI that is a failure instead. */
export function noGuest(contents: Contents = {}): string | false {
  const lacking = without('qemu-system-x86_64', 'setpriv', 'apt-get', 'dpkg-deb')
  if (lacking) return lacking
  try {
    guestImage(contents)
    return false
  } catch (error) {
    return skipped(`no guest image: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`)
  }
}

export async function bootGuest(options: GuestOptions = {}): Promise<Guest> {
  const start = Date.now()
  const image = guestImage(options)
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-guest-'))
  const initramfs = join(folder, 'initramfs')
  writeInitramfs(image, initramfs)
  const qemu = startQemu(options, image.kernel, initramfs, folder)
  const said = collect(qemu)
  const kill = () => {
    qemu.kill('SIGKILL')
  }
  const stop = async () => {
    kill()
    if (qemu.exitCode === null && qemu.signalCode === null) await once(qemu, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until(() => said().includes('init: READY'), qemu, said)
    // QEMU has it in memory, and it is large: it is not left behind where this process is killed
    rmSync(initramfs)
    const qmp = await openQmp(join(folder, 'qmp'))
    const { sh, run } = shell(await forwarded(qmp), said)
    if (!options.ports) await run(appears(PORT))
    if (options.agent) await run(`${appears(AGENT)} && qemu-ga -d -p /dev/virtio-ports/${AGENT} -t /run`)
    const port = options.ports ? '' : await addressOf(qmp, 'vmpipe')
    return {
      ...{ pid: qemu.pid as number, port, agent: join(folder, 'agent'), folder, bootMs: Date.now() - start },
      ...{ sh, run, qmp, console: said, kill, stop },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function startQemu(options: GuestOptions, kernel: string, initramfs: string, folder: string): ChildProcess {
  const memory = options.memory ?? (options.kvm ? 4096 : options.node ? 1024 : 256)
  const args = [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...[
      '-machine',
      'q35',
      '-accel',
      'tcg,thread=multi',
      '-cpu',
      options.kvm ? 'EPYC' : 'max',
      '-smp',
      `${options.cpus ?? 2}`,
      '-m',
      `${memory}`,
    ],
    ...['-kernel', kernel, '-initrd', initramfs],
    // emulated, the kernel's tests of its ciphers can take more than all the rest, and have been seen not to end
    ...[
      '-append',
      `console=ttyS0 quiet panic=-1 tsc=reliable cryptomgr.notests ${options.kvm ? 'mitigations=off' : ''}`,
    ],
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-qmp', `unix:${join(folder, 'qmp')},server=on,wait=off`],
    // port 0: one that is free
    ...['-netdev', 'user,id=net,hostfwd=tcp:127.0.0.1:0-:2000', '-device', 'virtio-net-pci,netdev=net'],
    ...['-device', 'virtio-serial-pci,id=serial'],
    ...(options.ports ?? port('socket,id=vmpipe,host=127.0.0.1,port=0,server=on,wait=off', PORT)),
    ...(options.agent ? port(`socket,id=agent,path=${join(folder, 'agent')},server=on,wait=off`, AGENT) : []),
    ...(options.qemu ?? []),
  ]
  return spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
}

function port(chardev: string, name: string): string[] {
  const [, id] = /id=(\w+)/.exec(chardev) ?? []
  return ['-chardev', chardev, '-device', `virtserialport,bus=serial.0,chardev=${id},id=${id},name=${name}`]
}

function collect({ stdout, stderr }: ChildProcess): () => string {
  let text = ''
  for (const stream of [stdout, stderr])
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-100_000)
    })
  return () => text
}

async function until(done: () => boolean, qemu: ChildProcess, said: () => string): Promise<void> {
  const end = Date.now() + BOOT_MS
  while (!done()) {
    const over = qemu.exitCode !== null || qemu.signalCode !== null
    if (over || Date.now() > end) throw new Error(`the guest ${over ? 'ended' : 'did not come up'}:\n${said()}`)
    await sleep(50)
  }
}

function appears(name: string): string {
  return `n=0; until [ -e /dev/virtio-ports/${name} ]; do n=$((n+1)); [ $n -lt 300 ] || exit 1; sleep 0.1; done`
}

/** Which port of this machine leads to the guest's control service. */
async function forwarded(qmp: Qmp): Promise<number> {
  const told: string = await qmp.execute('human-monitor-command', { 'command-line': 'info usernet' })
  const [, number] = /HOST_FORWARD\S*\s+\d+\s+127\.0\.0\.1\s+(\d+)/.exec(told) ?? []
  if (!number) throw new Error(`QEMU forwards no port: ${told}`)
  return Number(number)
}

async function addressOf(qmp: Qmp, label: string): Promise<string> {
  const devices: { label: string; filename: string }[] = await qmp.execute('query-chardev')
  const [, address] = /tcp:([^,]+)/.exec(devices.find((device) => device.label === label)?.filename ?? '') ?? []
  if (!address) throw new Error(`no address of ${label} in ${JSON.stringify(devices)}`)
  return address
}

function shell(control: number, said: () => string): Pick<Guest, 'sh' | 'run'> {
  const sh: Guest['sh'] = (command, how = {}) =>
    remote(control, command, how).catch((error: Error) => {
      throw new Error(`in the guest: ${command}: ${error.message}; its console:\n${said().slice(-3000)}`)
    })
  return {
    sh,
    async run(command, how) {
      const { stdout, stderr, status } = await sh(command, how)
      if (status !== 0) throw new Error(`in the guest: ${command}: status ${status}\n${stderr}`)
      return stdout
    },
  }
}

/** One connection to the guest's control service: see guest/control. */
async function remote(
  control: number,
  command: string,
  { input = '', timeout = COMMAND_MS }: { input?: string | Buffer; timeout?: number },
): Promise<Ran> {
  const body = [Buffer.from(command), Buffer.from(input)] as const
  const answer = await exchange(
    { host: '127.0.0.1', port: control },
    Buffer.concat([Buffer.from(`${body[0].length} ${body[1].length}\n`), ...body]),
    timeout,
  )
  const first = answer.indexOf(10)
  const [status, out, err] = answer.toString('latin1', 0, first).split(' ').map(Number)
  if (status === undefined || out === undefined || err === undefined || answer.length !== first + 1 + out + err)
    throw new Error('the answer was cut')
  const text = (from: number, to: number) => answer.toString('utf8', first + 1 + from, first + 1 + to)
  return { status, stdout: text(0, out), stderr: text(out, out + err) }
}

function exchange(to: NetConnectOpts, request: Buffer, timeout: number): Promise<Buffer> {
  return new Promise((done, fail) => {
    const socket = createConnection(to)
    const parts: Buffer[] = []
    const timer = setTimeout(() => socket.destroy(new Error(`no answer of the guest in ${timeout} ms`)), timeout)
    socket.on('data', (part) => parts.push(part))
    socket.on('error', fail)
    socket.on('close', () => {
      clearTimeout(timer)
      done(Buffer.concat(parts))
    })
    socket.write(request)
  })
}
