/**
 * The whole way of an event: traced in a real guest, through a real virtio-serial port, received here. Whatever the
 * host does meanwhile, what the guest sent is what arrived, plus exactly what is reported lost.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { bootGuest, type Guest, noGuest } from '../support/guest.js'
import { relay } from '../support/relay.js'
import { parseText, records, start, until } from '../support/tracing.js'

const port = '/dev/virtio-ports/org.vmpipe.0'
const input = 'irq:irq_handler_entry/name ~ "virtio*-input*"/'
const sched = 'sched:sched_switch,sched:sched_waking'
/** Interrupts of the network, some tens a second; switches, thousands. */
const loads = {
  [input]: ['ping -c 1 -W 1 10.0.2.2 >/dev/null 2>&1'],
  [sched]: ['usleep 100', 'usleep 200'],
}

for (const kind of ['node', 'script'] as const) {
  const contents = { node: kind === 'node' }
  const who = kind === 'node' ? 'capture-guest' : 'the script for bare guests'
  describe(`from a guest, by ${who}`, { skip: noGuest(contents) }, () => {
    let guest: Guest
    before(async () => {
      guest = await bootGuest({ ...contents, cpus: 1 })
    })
    after(() => guest?.stop())

    /** Starts a capture in the guest, with something to capture. */
    async function capture(events: typeof input | typeof sched): Promise<void> {
      const args = ['-e', events, '--push', port]
      if (kind === 'script')
        await guest.run('cat >/tmp/capture', {
          input: (await start('capture-guest', ['--script', ...args]).done).stdout,
        })
      else
        await guest.run('cat >/tmp/capture', { input: `exec capture-guest ${args.map((arg) => `'${arg}'`).join(' ')}` })
      const load = loads[events].map((command) => `while :; do ${command}; done & echo $! >>/tmp/load;`)
      await guest.run(`>/tmp/load; ${load.join(' ')} sh /tmp/capture 2>/tmp/err & echo $! >/tmp/pid`)
    }

    /** Ends it in good order, and answers how many lines it sent. */
    async function endCapture(): Promise<void> {
      await guest.run(
        'kill $(cat /tmp/load); kill $(cat /tmp/pid); n=0; while kill -0 $(cat /tmp/pid) 2>/dev/null && [ $n -lt 200 ]; do sleep 0.1; n=$((n+1)); done; killall usleep; true',
      )
      assert.equal(await guest.run('ls /sys/kernel/tracing/instances'), '')
    }

    function pulling(address: string) {
      const { child, done } = start('pull', [address])
      let text = ''
      child.stdout?.on('data', (piece) => {
        text += piece
      })
      return {
        text: () => text,
        interrupt: () => child.kill('SIGINT'),
        async received() {
          const { stdout, stderr } = await done
          const all = kind === 'node' ? records(stdout) : parseText(stdout, 'guest')
          const count = (what: RegExp) => Number(what.exec(stderr)?.[1] ?? 0)
          return {
            all,
            stderr,
            events: all.filter(({ type }) => !type),
            lines: count(/(\d+) (?:records|lines)/),
            lost: count(/(\d+) lost/),
            before: count(/(\d+) (?:sent )?before/),
          }
        },
      }
    }

    /** How many lines the guest says it sent. */
    async function sent(): Promise<number> {
      return Number(/(\d+) lines (?:to|sent)/.exec(await guest.run('cat /tmp/err'))?.[1])
    }

    test('no host at first, one that leaves and another one', async () => {
      await capture(input)
      await sleep(2000)
      const first = pulling(guest.port)
      await until(() => (first.text().match(/virtio0-input/g)?.length ?? 0) > 40, 'interrupts of the first host')
      first.interrupt()
      const one = await first.received()
      await sleep(1500)
      const second = pulling(guest.port)
      await until(() => (second.text().match(/virtio0-input/g)?.length ?? 0) > 40, 'interrupts of the second host')
      await endCapture()
      const two = await second.received()
      assert.ok(one.lines > 0 && two.before >= one.lines + one.lost, two.stderr)
      assert.equal(two.lines + two.lost + two.before, await sent(), two.stderr)
      for (const { events } of [one, two]) {
        assert.ok(events.length > 40)
        for (const { src, event, args } of events) {
          assert.equal(src, 'guest')
          assert.match(event, /^(irq:)?irq_handler_entry$/)
          assert.match(args.name, /^virtio\d-input\.\d$/)
        }
      }
    })

    test('a host that leaves and returns in mid-stream, and is slow', async () => {
      const between = await relay(guest.port)
      await capture(sched)
      const host = pulling(between.address)
      for (let round = 0; round < 3; round++) {
        const size = host.text().length
        await until(() => host.text().length > size + 300_000, 'events')
        between.pause()
        await sleep(1000)
        if (round === 1) between.resume()
        else between.cut()
      }
      const size = host.text().length
      await until(() => host.text().length > size + 300_000, 'events after the last cut')
      await endCapture()
      const received = await host.received()
      between.close()
      assert.ok(received.lost > 0, received.stderr)
      assert.equal(received.lines + received.lost + received.before, await sent(), received.stderr)
      assert.equal(received.all.at(-1).bad ?? 0, 0)
      // what is told of the port's losses, and no more
      const told = received.all.filter(({ type, cpu }) => type === 'lost' && cpu === undefined)
      assert.equal(
        told.reduce((sum, { count = 0 }) => sum + count, 0),
        received.lost,
      )
    })

    test('a port that is not there, or that somebody else has: one clear line', async () => {
      if (kind === 'script') {
        const { stdout: script } = await start('capture-guest', ['--script', '-e', input, '--push', '/dev/no-port'])
          .done
        const { stderr, status } = await guest.sh('sh', { input: script })
        assert.equal(stderr, 'capture: /dev/no-port: no such port\n')
        assert.equal(status, 1)
      }
      await guest.run(`(exec 3>${port}; exec sleep 100) & sleep 1`)
      const command = kind === 'script' ? `sh /tmp/capture` : `capture-guest -e '${input}' --push ${port}`
      const { stderr, status } = await guest.sh(command)
      assert.match(stderr, /^capture(-guest)?: \/dev\/virtio-ports\/org.vmpipe.0: busy[^\n]*\n$/)
      assert.equal(status, 1)
      await guest.run('killall sleep; ls /sys/kernel/tracing/instances')
      assert.equal(await guest.run('ls /sys/kernel/tracing/instances'), '')
    })

    test('a guest that is killed: what had arrived is there, and it is said that the rest is not known', async () => {
      await capture(input)
      const host = pulling(guest.port)
      await until(() => (host.text().match(/virtio0-input/g)?.length ?? 0) > 20, 'interrupts')
      guest.kill()
      await sleep(1000)
      host.interrupt()
      const received = await host.received()
      assert.ok(received.events.length > 20)
      assert.equal(received.lost, 0)
      assert.match(received.stderr, /not known|unknown/, received.stderr)
    })
  })
}
