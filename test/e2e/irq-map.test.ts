/** irq-map on this machine's own /proc, and in a guest, whose interrupts it moves. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { bootGuest, type Guest, noGuest } from '../support/guest.js'

interface Irq {
  type: string
  irq: number | string
  name: string
  device: string
  msi_index: number
  driver: string
  virtio_driver: string
  affinity: string
  effective: string
  serves: string[]
  total: number
}

test('every interrupt of this machine is there', () => {
  const { stdout, status, stderr } = spawnSync('dist/bin/irq-map', ['--json'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const lines = readFileSync('/proc/interrupts', 'utf8').trimEnd().split('\n').slice(1)
  assert.deepEqual(
    irqs(stdout).map(({ irq }) => String(irq)),
    lines.map((line) => line.trim().split(':')[0]),
  )
})

describe('in a guest', { skip: noGuest({ node: true }) }, () => {
  let guest: Guest
  before(async () => {
    guest = await bootGuest({ node: true })
  })
  after(() => guest?.stop())

  test('the interrupts of a virtio card are those that sysfs has of its device', async () => {
    const found = irqs(await guest.run('irq-map -q --json --of virtio_net'))
    const [first] = found
    assert.ok(first)
    const messages = await guest.run(`ls /sys/bus/pci/devices/${first.device}/msi_irqs`)
    assert.deepEqual(found.map(({ irq }) => String(irq)).sort(), messages.trim().split('\n').sort())
    assert.deepEqual(first.serves, ['eth0'])
    assert.equal(first.driver, 'virtio-pci')
    assert.match(await guest.run(`cat /sys/bus/pci/devices/${first.device}/class`), /^0x020000/)
    for (const { msi_index, name } of found)
      assert.match(name, [/-config$/, /-input\.0$/, /-output\.0$/][msi_index] ?? /none/)
  })

  test('a saved table tells the same devices', async () => {
    const live = irqs(await guest.run('irq-map -q --json')).map(({ irq, device }) => [irq, device])
    const saved = irqs(await guest.run('cat /proc/interrupts | irq-map -q --json -')).map(({ irq, device }) => [
      irq,
      device,
    ])
    const messages = live.filter(([irq]) => saved.some(([other, device]) => other === irq && device !== undefined))
    assert.ok(messages.length >= 5)
    for (const [irq, device] of messages)
      assert.deepEqual(
        saved.find(([other]) => other === irq),
        [irq, device],
      )
  })

  test('an interrupt goes where it was sent', async () => {
    const name = await guest.run("sed -n 's/:.*virtio.*-input.0$//p' /proc/interrupts")
    const irq = name.trim()
    for (const cpu of ['1', '0']) {
      assert.match(await guest.run(`irq-map --affinity ${irq}=${cpu} --dry-run`), /would be written/)
      const said = await guest.run(`irq-map --affinity ${irq}=${cpu}`)
      assert.match(said, new RegExp(`^interrupt ${irq}: was .*; now ${cpu}, in effect `))
      await guest.run('ping -c 3 10.0.2.2')
      const [record] = irqs(await guest.run(`irq-map -q --json --of ${irq}`))
      assert.deepEqual([record?.affinity, record?.effective], [cpu, cpu])
      assert.equal(await guest.run(`cat /proc/irq/${irq}/smp_affinity_list`), `${cpu}\n`)
    }
  })

  test('rates are of the CPU that it goes to', async () => {
    await guest.run(
      'ping -c 10 -i 0.2 10.0.2.2 >/dev/null 2>&1 & irq-map -q --json --watch 1s --count 1 --of eth0 >/tmp/rates; wait',
    )
    const [rate] = irqs(await guest.run('cat /tmp/rates')) as unknown as { type: string; name: string; rates: object }[]
    assert.equal(rate?.type, 'irq_rate')
    assert.deepEqual(Object.keys(rate?.rates ?? {}).length, 1)
  })

  test('what the kernel refuses is said in a line', async () => {
    const refused = async (setting: string) => {
      const { stderr, status } = await guest.sh(`irq-map --affinity ${setting}`)
      assert.equal(status, 1)
      return stderr
    }
    assert.equal(await refused('9999=0'), 'irq-map: there is no interrupt 9999\n')
    assert.equal(
      await refused('0=1'),
      'irq-map: interrupt 0: the kernel does not let it be moved: its driver has the kernel manage its affinity, or it is of one CPU alone\n',
    )
    await guest.run('echo 0 >/sys/devices/system/cpu/cpu1/online')
    const [irq = ''] = (await guest.run("sed -n 's/:.*virtio.*-input.0$//p' /proc/interrupts")).trim().split('\n')
    assert.equal(
      await refused(`${irq.trim()}=1`),
      `irq-map: interrupt ${irq.trim()}: CPU 1 is not online; those are 0\n`,
    )
    await guest.run('echo 1 >/sys/devices/system/cpu/cpu1/online')
  })

  test('it needs root', async () => {
    const irq = (await guest.run("sed -n 's/:.*virtio.*-input.0$//p' /proc/interrupts")).trim()
    const as = 'process.setgid(65534); process.setuid(65534)'
    const spawn = `require('child_process').spawnSync('irq-map', ['--affinity', '${irq}=0'], { stdio: 'inherit' })`
    const { stderr, status } = await guest.sh(`node -e "${as}; process.exit(${spawn}.status)"`)
    assert.equal(stderr, `irq-map: interrupt ${irq}: permission denied: to set an affinity needs root\n`)
    assert.equal(status, 1)
  })
})

function irqs(text: string): Irq[] {
  const records: Irq[] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return records.filter(({ type }) => type.startsWith('irq'))
}
