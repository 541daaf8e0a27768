/** A capture on another machine, over ssh: however the connection ends, the capture there ends with it. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { without } from '../support/needs.js'
import { bin, cannotTrace, captures, until } from '../support/tracing.js'

const why = without('ssh') || cannotTrace()

describe('capture-host over ssh', { skip: why }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-ssh-'))
  const others = why ? [] : captures()
  const ours = () => captures().filter((name) => !others.includes(name))
  let sshd: ChildProcess
  let ssh = ''

  before(async () => {
    const key = (name: string) =>
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
    key('host')
    key('user')
    execFileSync('cp', [join(folder, 'user.pub'), join(folder, 'authorized')])
    const port = await freePort()
    writeFileSync(
      join(folder, 'sshd_config'),
      [`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${folder}/host`, `AuthorizedKeysFile ${folder}/authorized`]
        .concat(['PermitRootLogin yes', 'StrictModes no', 'UsePAM no', `PidFile ${folder}/pid`, ''])
        .join('\n'),
    )
    execFileSync('mkdir', ['-p', '/run/sshd'])
    const server = execFileSync('bash', ['-c', 'PATH=$PATH:/usr/sbin; command -v sshd']).toString().trim()
    sshd = spawn(server, ['-D', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' })
    const { username } = userInfo()
    ssh = `ssh -q -p ${port} -i ${folder}/user -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null ${username}@127.0.0.1 PATH=${bin}:$PATH`
    await until(() => {
      try {
        execFileSync('bash', ['-c', `${ssh} true`], { stdio: 'ignore' })
        return true
      } catch {
        return false
      }
    }, 'sshd')
  })

  after(() => {
    sshd?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  /** It ends there within a second or so, whatever this machine is busy with. */
  async function endsThere(): Promise<void> {
    const from = Date.now()
    await until(() => ours().length === 0, 'the end of the capture')
    assert.ok(Date.now() - from < 5000, `${Date.now() - from} ms`)
  }
  afterEach(endsThere)

  /** A pipeline here whose first command captures there, in a process group of its own. */
  function pipeline(script: string) {
    const child = spawn('bash', ['-c', script], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece) => {
        text += piece
      })
    const done = new Promise<string>((ended) => {
      child.on('close', () => ended(text))
    })
    return { child, done, text: () => text }
  }

  /** System calls of a process of ours, for as long as a test runs. */
  function load(t: TestContext): string {
    const { pid } = spawn('dd', ['if=/dev/zero', 'of=/dev/null', 'bs=1'], { stdio: 'ignore' })
    t.after(() => process.kill(pid as number))
    return `-e raw_syscalls:sys_enter,raw_syscalls:sys_exit --pid ${pid}`
  }

  test('there a capture, here what it says', async (t) => {
    const text = await pipeline(`${ssh} capture-host -q ${load(t)} -d 1s | pair -q sys_enter sys_exit | histo`).done
    assert.match(text, /sys_enter => sys_exit +\d{3,}/)
    const [, starts, pairs] = /sys_exit: (\d+) starts = (\d+) pairs/.exec(text) ?? assert.fail(text)
    assert.ok(Number(pairs) > 1000 && Number(starts) >= Number(pairs))
  })

  test('the pipe is closed here', async () => {
    const text = await pipeline(`${ssh} capture-host -q -e sched:sched_process_exec | head -1`).done
    assert.match(text, /^\{"type":"stream"/)
    await endsThere()
  })

  test('the connection is cut: what had arrived is summarised', async (t) => {
    const { done } = pipeline(
      `(echo $BASHPID >${folder}/client; exec ${ssh} capture-host -q ${load(t)}) | pair -q sys_enter sys_exit | histo`,
    )
    await until(() => ours().length === 1, 'the capture')
    await sleep(1500)
    process.kill(Number(readFileSync(join(folder, 'client'))), 'SIGKILL')
    await endsThere()
    assert.match(await done, /sys_enter => sys_exit +\d{3,}/)
  })

  test('^C here', async () => {
    const { child, done } = pipeline(
      `${ssh} capture-host -e sched:sched_switch | pair -q sched_switch sched_switch --by cpu | histo`,
    )
    await until(() => ours().length === 1, 'the capture')
    await sleep(1500)
    process.kill(-(child.pid as number), 'SIGINT')
    await endsThere()
    assert.match(await done, /sched_switch => sched_switch/)
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as { port: number }
  await new Promise((closed) => server.close(closed))
  return port
}
