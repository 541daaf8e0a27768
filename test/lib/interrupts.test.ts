/** Interrupts: what a table's line says, the device in an MSI's number, rates, lists of CPUs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { cpusOf, parseSetting, pendingText } from '../../lib/interrupts/affinity.js'
import { msiOf } from '../../lib/interrupts/msi.js'
import { rates } from '../../lib/interrupts/rates.js'
import { irqRecord } from '../../lib/interrupts/record.js'
import { type Interrupt, readTable } from '../../lib/interrupts/table.js'

describe('the number of an MSI', () => {
  test('holds domain, bus, devfn and index, whatever they are', () => {
    const parts = fc.tuple(fc.nat(0xffff), fc.nat(0xff), fc.nat(31), fc.nat(7), fc.nat(0x7ff))
    fc.assert(
      fc.property(parts, ([domain, bus, slot, fn, index]) => {
        const hwirq = BigInt(index) | (BigInt((bus << 8) | (slot << 3) | fn) << 11n) | (BigInt(domain) << 27n)
        const hex = (n: number, digits: number) => n.toString(16).padStart(digits, '0')
        const device = `${hex(domain, 4)}:${hex(bus, 2)}:${hex(slot, 2)}.${fn}`
        assert.deepEqual(msiOf('PCI-MSI', hwirq), { device, index })
        assert.deepEqual(msiOf(`IR-PCI-MSIX-${device}`, BigInt(index)), { device, index })
      }),
    )
  })

  test('is none where the controller is of no PCI device', () => {
    for (const chip of ['IO-APIC', 'GICv3', 'DMAR-MSI', 'ITS-pMSI', 'HPET-MSI', 'PCI-MSI-edge'])
      assert.equal(msiOf(chip, 16384n), undefined)
  })
})

describe('a table', () => {
  test('of an arm64 guest: every count is added up as awk does it', () => {
    const text = readFileSync('examples/data/interrupts-arm64.txt', 'utf8')
    const { interrupts, bad } = readTable(text)
    assert.deepEqual(bad, [])
    const lines = text.split('\n').filter((line) => /^ *\w+:/.test(line))
    const sums = lines.map((line) =>
      line
        .trim()
        .split(/\s+/)
        .slice(1, 5)
        .reduce((sum, n) => sum + Number(n), 0),
    )
    assert.equal(interrupts.length, 31)
    assert.deepEqual(
      interrupts.map(({ total }) => total),
      sums,
    )
  })

  test('cut anywhere gives whole interrupts or says the line', () => {
    const text = readFileSync('examples/data/interrupts-guest.txt', 'utf8')
    const whole = new Map(readTable(text).interrupts.map((interrupt) => [interrupt.irq, interrupt]))
    for (let end = 0; end < text.length; end++) {
      const { interrupts, bad } = readTable(text.slice(0, end))
      const last = text.slice(0, end).split('\n').length
      for (const { line } of bad) assert.ok(line === last || line === 1, `cut at ${end}: line ${line}`)
      for (const { irq } of interrupts.slice(0, -1)) assert.ok(whole.has(irq))
    }
  })

  test('of CPUs of which some are offline names those it has', () => {
    const { interrupts } = readTable('    CPU0  CPU2\n 5: 1 2 GICv3 27 Level  arch_timer\n')
    assert.deepEqual(
      [...((interrupts[0] as Interrupt).counts ?? [])],
      [
        [0, 1],
        [2, 2],
      ],
    )
  })
})

test('queues are known from the names that drivers give', () => {
  const names: [string, string | undefined][] = [
    ['virtio2-input.0', 'input.0'],
    ['virtio1-req.1', 'req.1'],
    ['nvme0q12', 'q12'],
    ['eth0-TxRx-3', 'TxRx-3'],
    ['mlx5_comp3@pci:0000:04:00.0', 'comp3'],
    ['xhci_hcd', undefined],
  ]
  for (const [name, queue] of names) {
    const { interrupts } = readTable(`  CPU0\n 5: 1 IO-APIC 2-edge ${name}\n`)
    assert.equal(irqRecord(interrupts[0] as Interrupt).queue, queue)
  }
})

describe('rates', () => {
  const table = (counts: string) =>
    readTable(`  CPU0 CPU1\n 57: ${counts} ITS-MSI 2097153 Edge virtio2-input.0\n`).interrupts

  test('are by CPU, in a second', () => {
    const [rate] = rates(table('100 7'), table('350 7'), 500_000_000)
    assert.deepEqual([[...(rate?.perCpu ?? [])], rate?.total], [[[0, 500]], 500])
  })

  test('go on where the count wraps at 32 bits', () => {
    const [rate] = rates(table('4294967290 0'), table('4 0'), 1_000_000_000)
    assert.equal(rate?.total, 10)
  })

  test('are not told of an interrupt, or a CPU, that was not there before', () => {
    const one = readTable('  CPU0\n 57: 1 ITS-MSI 2097153 Edge virtio2-input.0\n').interrupts
    assert.deepEqual(rates([], table('5 5'), 1), [])
    assert.equal(rates(one, table('2 1000'), 1_000_000_000)[0]?.total, 1)
  })
})

describe('lists of CPUs', () => {
  test('are as the kernel writes them', () => {
    assert.deepEqual(cpusOf('0-3,8'), [0, 1, 2, 3, 8])
    for (const wrong of ['', 'x', '3-1', '1,', '-1', '1-', '0-99999', '1 2'])
      assert.throws(() => cpusOf(wrong), /no list of CPUs/)
  })

  test('stand behind an interrupt', () => {
    assert.deepEqual(parseSetting('57=0-3,8'), { irq: 57, cpus: '0-3,8' })
    for (const wrong of ['57', 'eth1=1', '=1', '-1=1']) assert.throws(() => parseSetting(wrong), /IRQ=CPULIST/)
  })

  test('what is in effect is pending where it is not of what was set', () => {
    assert.equal(pendingText({ affinity: '0-3', effective: '2' }), '')
    assert.equal(pendingText({ affinity: '1', effective: '0' }), ' until the next one comes')
    assert.equal(pendingText({ affinity: '1', effective: undefined }), '')
  })
})
