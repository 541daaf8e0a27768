/**
 * tsc-align --vm as it is used: a process called QEMU, and KVM's debugfs, which is this test's own directory mounted
 * over /sys/kernel/debug in a mount namespace of its own; and KVM itself, where this machine has it.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { bin, records, shell, until } from '../support/tracing.js'

const folder = mkdtempSync(join(tmpdir(), 'vmpipe-debugfs-'))
const started: ChildProcess[] = []
after(() => {
  for (const child of started) child.kill()
  rmSync(folder, { recursive: true })
})

/** Why nothing can be mounted here; false where it can. In CI it must. */
function cannotMount(): string | false {
  const tried = spawnSync('unshare', ['-m', 'mount', '--bind', folder, '/sys/kernel/debug'], { encoding: 'utf8' })
  if (tried.status === 0) return false
  const why = tried.error?.message ?? tried.stderr.trim()
  if (process.env.CI) throw new Error(`unshare -m: ${why}`)
  return `no mount namespace of its own (needs root): ${why}`
}

/** Why there is no guest under KVM to be had; false where there is. */
function noKvm(): string | false {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
    execFileSync('qemu-system-x86_64', ['--version'], { stdio: 'ignore' })
    return existsSync('/sys/kernel/debug/kvm') ? false : 'no /sys/kernel/debug/kvm'
  } catch (error) {
    return `no KVM and QEMU here: ${(error as Error).message}`
  }
}

function start(command: string, args: string[]): ChildProcess {
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` }
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
  started.push(child)
  return child
}

/** What a child says, as it comes. */
function heard(child: ChildProcess): { stdout: string; stderr: string } {
  const texts = { stdout: '', stderr: '' }
  child.stdout?.on('data', (piece) => {
    texts.stdout += piece
  })
  child.stderr?.on('data', (piece) => {
    texts.stderr += piece
  })
  return texts
}

/** A process that has QEMU's name and the guest's in its command line. */
async function calledQemu(name: string): Promise<number> {
  const child = start('bash', ['-c', `exec -a qemu-system-x86_64 bash -c 'echo up; read' -name guest=${name}`])
  const { pid } = child
  const said = heard(child)
  await until(() => said.stdout === 'up\n', 'the process called QEMU')
  return pid as number
}

function put(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true })
  writeFileSync(join(folder, path), `${text}\n`)
}

const inNamespace = (mount: string, command: string) => `unshare -m bash -c '${mount} /sys/kernel/debug && ${command}'`

describe('tsc-align --vm', { skip: cannotMount() }, () => {
  const bind = `mount --bind ${folder}`

  test('a recorded host, its offset from debugfs, is what the same offset by hand makes of it', async () => {
    const pid = await calledQemu('l2')
    put(`kvm/${pid}-11/vcpu0/tsc-offset`, '-530607982635')
    put(`kvm/${pid}-11/vcpu0/pid`, '296')
    put(`kvm/${pid}-11/vcpu1/tsc-offset`, '-530607982635')
    put(`kvm/${pid}-11/vcpu1/pid`, '298')
    const host = 'parse -q --src host examples/data/align-host.txt.gz'
    const { status, stdout, stderr } = shell(
      `set -o pipefail
      ${host} | tsc-align -q --tsc-offset -530607982635 --tsc-khz 2445430 > ${folder}/by-hand
      ${host} | ${inNamespace(bind, 'tsc-align -q --vm l2 --tsc-khz 2445430')} > ${folder}/by-name
      ${host} | ${inNamespace(bind, `tsc-align -q --vm ${pid} --tsc-khz 2445430`)} > ${folder}/by-pid
      cmp ${folder}/by-hand ${folder}/by-name && cmp ${folder}/by-hand ${folder}/by-pid && wc -l < ${folder}/by-hand`,
    )
    assert.deepEqual([status, stderr], [0, ''])
    assert(Number(stdout) > 1000)
  })

  test('two of one name', async () => {
    const pids = [await calledQemu('twin'), await calledQemu('twin')].sort((a, b) => a - b)
    for (const pid of pids) put(`kvm/${pid}-11/vcpu0/tsc-offset`, '-5')
    const { status, stderr } = shell(inNamespace(bind, 'tsc-align --vm twin </dev/null'))
    assert.equal(status, 1)
    assert.equal(
      stderr,
      `tsc-align: --vm twin: the processes ${pids.join(' and ')} have this name; give the pid of one\n`,
    )
  })

  test('an offset that changes while the stream goes on; the guest ends, the stream does not', async () => {
    const pid = await calledQemu('live')
    put(`kvm/${pid}-11/vcpu0/tsc-offset`, '100')
    const aligning = start('bash', ['-c', inNamespace(bind, 'tsc-align --vm live --cycles')])
    const said = heard(aligning)
    const clock = setInterval(() => aligning.stdin?.write('{"type":"clock","tsc":"1000","src":"host"}\n'), 100).unref()
    await until(() => said.stdout.includes('"tsc":"1100"'), 'the first offset')
    put(`kvm/${pid}-11/vcpu0/tsc-offset`, '200')
    await until(() => said.stdout.includes('"tsc":"1200"'), 'the second offset')
    rmSync(join(folder, `kvm/${pid}-11`), { recursive: true })
    await until(() => said.stderr.includes('ended'), 'the end of the guest')
    clearInterval(clock)
    aligning.stdin?.end('{"tsc":"5000","src":"host","event":"last"}\n')
    await until(() => said.stderr.includes('aligned'), 'the end')
    assert(said.stdout.includes('{"tsc":"5200","src":"host","event":"last"}'))
    assert.deepEqual(said.stderr.split('\n'), [
      `tsc-align: live, process ${pid}: the offset of vCPU 0 has changed from 100 to 200, some seconds ago; kvm:kvm_write_tsc_offset in the stream would say when`,
      `tsc-align: live, process ${pid}: the guest has ended; its last offsets stay`,
      `tsc-align: 1 events aligned, host by 200 cycles (live, process ${pid})`,
      '',
    ])
  })

  for (const [what, command, wanted] of [
    [
      'no debugfs',
      inNamespace('mount -t tmpfs none', 'tsc-align --vm l2'),
      /debugfs is not mounted \(mount -t debugfs/,
    ],
    [
      'no KVM',
      inNamespace('mount -t tmpfs none', 'mkdir /sys/kernel/debug/bdi && tsc-align --vm l2'),
      /there is no KVM here/,
    ],
    ['no such guest', inNamespace(bind, 'tsc-align --vm nobody'), /--vm nobody: no QEMU here has this name; /],
    ['no guest', inNamespace(bind, 'tsc-align --vm 1'), /KVM has no virtual machine of process 1 here, only /],
  ] as const)
    test(`${what}: one line, status 1`, () => {
      mkdirSync(join(folder, 'kvm'), { recursive: true })
      const { status, stdout, stderr } = shell(`${command} 2>&1 </dev/null`)
      assert.deepEqual([status, stderr], [1, ''])
      assert.match(stdout, wanted)
      assert.equal(stdout.trimEnd().split('\n').length, 1)
    })

  test('not root: one line, status 1', () => {
    // a copy that nobody may read, wherever this one is
    const { status, stdout } = shell(
      `chmod 755 ${folder} && mkdir ${folder}/dist && cp -r dist/bin dist/lib dist/package.json ${folder}/dist/ && cd / &&
      unshare -m bash -c 'mount -t tmpfs -o mode=700 none /sys/kernel/debug && mkdir /sys/kernel/debug/kvm &&
        setpriv --reuid=65534 --clear-groups ${folder}/dist/bin/tsc-align --vm l2 </dev/null 2>&1'`,
    )
    assert.equal(status, 1)
    assert.match(stdout, /^tsc-align: --vm reads \/sys\/kernel\/debug\/kvm: permission denied, it needs root; .*\n$/)
  })
})

describe('tsc-align --vm, a guest under KVM', { skip: noKvm() }, () => {
  const name = `vmpipe-test-${process.pid}`
  const debug = '/sys/kernel/debug/kvm'
  const machine = (pid: number) => readdirSync(debug).find((machine) => machine.startsWith(`${pid}-`))

  test('by name, with the offset that debugfs tells; it ends, the stream does not', async () => {
    const args = ['-accel', 'kvm', '-nodefaults', '-display', 'none', '-name', `guest=${name},debug-threads=on`]
    const qemu = start('qemu-system-x86_64', args)
    const pid = qemu.pid as number
    const file = () => join(debug, machine(pid) ?? 'none', 'vcpu0/tsc-offset')
    await until(() => existsSync(file()), 'the vCPU')
    const wanted = BigInt(readFileSync(file(), 'utf8'))
    const aligning = start('tsc-align', ['--vm', name, '--cycles'])
    const said = heard(aligning)
    aligning.stdin?.write('{"tsc":"9007199254740993","src":"host","event":"a"}\n')
    await until(() => said.stdout.includes('"a"'), 'the first event')
    assert.equal(records(said.stdout)[0].tsc, String(BigInt.asUintN(64, 9007199254740993n + wanted)))
    qemu.kill()
    const clock = setInterval(() => aligning.stdin?.write('{"type":"clock","tsc":"1","src":"host"}\n'), 100).unref()
    await until(() => said.stderr.includes('the guest has ended; its last offsets stay'), 'the end of the guest')
    clearInterval(clock)
    aligning.stdin?.end('{"tsc":"9007199254740993","src":"host","event":"b"}\n')
    await until(() => said.stderr.includes('aligned'), 'the end')
    const all = records(said.stdout)
    assert.equal(all.find(({ event }) => event === 'b').tsc, all[0].tsc)
  })
})
