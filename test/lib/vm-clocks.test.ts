/**
 * A guest's offsets as KVM tells them: from directories made here as debugfs and proc(5) have them (the listing of
 * a real host with two guests: test/e2e/tsc-align-vm.test.ts has KVM itself).
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { ROW_WORDS, SRC } from '../../lib/assembly/layout.js'
import { Failure, filter } from '../../lib/cli/tool.js'
import { alignment } from '../../lib/clock/align.js'
import { alignStage } from '../../lib/clock/align-stage.js'
import { parseKhz } from '../../lib/clock/machine-clock.js'
import { type VmOptions, vmClocks } from '../../lib/clock/vm-clocks.js'
import { guestName } from '../../lib/kvm/processes.js'
import { findVm } from '../../lib/kvm/vm.js'
import { allocate, words } from '../../lib/wire/memory.js'
import { idOf } from '../../lib/wire/names.js'
import { runFilter } from '../support/filter.js'

interface Guest {
  pid: number
  cmdline: string[]
  threads: number[]
  vcpus: Record<string, string>[]
}

const made: string[] = []
after(() => {
  for (const folder of made) rmSync(folder, { recursive: true })
})

/** A machine with these guests, each of them with its vCPUs' files. */
function machine(...guests: Guest[]) {
  const folder = mkdtempSync(join(tmpdir(), 'vmpipe-vm-'))
  made.push(folder)
  const put = (path: string, text: string) => {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  put('debug/kvm/exits', '0\n')
  put('proc/self/status', 'Tgid:\t1\n')
  for (const { pid, cmdline, threads, vcpus } of guests) {
    put(`proc/${pid}/cmdline`, `${cmdline.join('\0')}\0`)
    for (const thread of [pid, ...threads]) put(`proc/${thread}/status`, `Name:\tx\nTgid:\t${pid}\nNgid:\t0\n`)
    vcpus.forEach((files, i) => {
      for (const [name, value] of Object.entries(files)) put(`debug/kvm/${pid}-11/vcpu${i}/${name}`, `${value}\n`)
    })
  }
  return { roots: { proc: join(folder, 'proc'), debug: join(folder, 'debug') }, put, folder }
}

const qemu = (name: string) => ['/usr/bin/qemu-system-x86_64', '-name', name, '-smp', '2']
const vm1 = {
  pid: 516,
  cmdline: qemu('guest=vm1,debug-threads=on'),
  threads: [520, 525],
  vcpus: [{ pid: '525', 'tsc-offset': '-428212023919', guest_mode: '0' }],
}
const vm2 = {
  pid: 551,
  cmdline: qemu('vm2,debug-threads=on'),
  threads: [563],
  vcpus: [{ pid: '563', 'tsc-offset': '-446049365661' }],
}

async function aligned(roots: VmOptions['roots'], options: Partial<VmOptions>, input: object[]) {
  const warned: string[] = []
  const all = { vm: 'vm1', src: undefined, inverse: false, cycles: true, rate: undefined, roots, ...options }
  const spec = { name: 'tsc-align', summary: '', operands: '', own: 0, options: {}, examples: [] }
  const tool = filter(spec, () => {
    const live = vmClocks(all as VmOptions, { warn: (message) => warned.push(message) })
    return alignStage(alignment(live.clocks, all.cycles), live.following, live)
  })
  const ran = await runFilter(
    tool,
    [],
    input.map((record) => JSON.stringify(record)),
  )
  const records = ran.lines.map((line) => JSON.parse(line))
  return { ...ran, warned, records, times: records.map(({ ts, tsc, from }) => ts ?? tsc ?? from) }
}

const write = (tsc: string, pid: number, previous: string, next: string, more = {}) => ({
  tsc,
  src: 'host',
  event: 'kvm:kvm_write_tsc_offset',
  pid,
  args: { vcpu_id: 0, previous_tsc_offset: previous, next_tsc_offset: next },
  ...more,
})
const event = (tsc: string, src: string, more = {}) => ({ tsc, src, event: 'x', cpu: 0, ...more })

describe('finding a guest', () => {
  const { roots } = machine(vm1, vm2)
  const failing = (vm: string, at = roots) => {
    try {
      findVm(vm, at)
    } catch (error) {
      assert(error instanceof Failure)
      return error.message
    }
    return assert.fail('found')
  }

  test('by its name or the pid of its QEMU', () => {
    assert.deepEqual(findVm('vm1', roots).vcpus(), [
      { vcpu: 0, pid: 525, offset: -428212023919n, ratio: undefined, fracBits: undefined },
    ])
    assert.equal(findVm('vm2', roots).pid, 551)
    assert.equal(findVm('551', roots).name, 'vm2')
    assert.deepEqual(
      [525, 516, 563, 9].map((pid) => findVm('vm1', roots).owns(pid)),
      [true, true, false, undefined],
    )
  })

  test('names as QEMU takes them', () => {
    const name = (...args: string[]) =>
      guestName(7, machine({ pid: 7, cmdline: args, threads: [], vcpus: [] }).roots.proc)
    assert.equal(name('qemu-system-x86_64', '-name', 'guest=a,,b,debug-threads=on'), 'a,b')
    assert.equal(name('/usr/libexec/qemu-kvm', '--name', 'debug-threads=on,guest=größe'), 'größe')
    assert.equal(name('kvm', '-m', '512'), 'qemu-7')
    assert.equal(name('bash', '-name', 'vm1'), '')
  })

  test('what cannot be found is said with what to do', () => {
    assert.equal(failing('vm3'), '--vm vm3: no QEMU here has this name; there is vm1 (516), vm2 (551)')
    assert.match(
      failing('4711'),
      /^KVM has no virtual machine of process 4711 here, only 516-11, 551-11: .*--tsc-offset/,
    )
    const twins = machine(vm1, { ...vm2, cmdline: qemu('vm1') })
    assert.equal(failing('vm1', twins.roots), '--vm vm1: the processes 516 and 551 have this name; give the pid of one')
    const mute = machine({ ...vm1, vcpus: [{ pid: '525' }] })
    assert.match(failing('vm1', mute.roots), /516-11 has no vcpu\*\/tsc-offset: .*--tsc-offset gives/)
    assert.match(failing('vm1', { ...roots, debug: join(roots.proc, 'self') }), /there is no KVM here/)
    assert.match(failing('vm1', { ...roots, debug: join(roots.proc, 'nothing') }), /mount -t debugfs nodev/)
  })
})

describe('the offset that KVM tells', () => {
  test("moves the host's events, and leaves the guest's", async () => {
    const { roots } = machine(vm1, vm2)
    const { times, line } = await aligned(roots, {}, [
      event('622646838686', 'host'),
      event('622646838686', 'guest'),
      { type: 'lost', src: 'host', from: '428212023920', to: '428212023921' },
    ])
    assert.deepEqual(times, ['194434814767', '622646838686', '1'])
    assert.equal(line, '2 events aligned, host by -428212023919 cycles (vm1, process 516)')
  })

  test("with --inverse moves the guest's, and leaves the host's", async () => {
    const { roots } = machine(vm1)
    const { times } = await aligned(roots, { inverse: true }, [event('5', 'host'), event('194434814767', 'vm1')])
    assert.deepEqual(times, ['5', '622646838686'])
  })

  test('is of one guest', async () => {
    const { roots } = machine(vm1)
    const both = [event('1', 'vm1'), event('1', 'vm2')]
    await assert.rejects(aligned(roots, {}, both), /events of vm1 and of vm2: --vm is of one guest; say --src/)
    const { times } = await aligned(roots, { inverse: true, src: 'vm1' }, [...both, event('7', 'host')])
    assert.deepEqual(times, ['428212023920', '1', '7'])
  })

  test('of vCPUs that differ is that of the thread, and of others that of vCPU 0', async () => {
    const vcpus = [
      { pid: '525', 'tsc-offset': '1000' },
      { pid: '526', 'tsc-offset': '3000' },
    ]
    const { roots } = machine({ ...vm1, vcpus })
    const host = (pid: number) => event('10000', 'host', { pid })
    const { times, warned } = await aligned(roots, {}, [host(525), host(526), host(516)])
    assert.deepEqual(times, ['11000', '13000', '11000'])
    assert.deepEqual(warned, ['the vCPUs differ: 0 1000, 1 3000; events of no vCPU have what vCPU 0 has'])
    const guest = (cpu: number) => event('10000', 'guest', { cpu })
    assert.deepEqual((await aligned(roots, { inverse: true }, [guest(0), guest(1)])).times, ['9000', '7000'])
  })

  test("a kernel that does not tell a vCPU's thread: QEMU's name for it does", async () => {
    const at = machine({ ...vm1, vcpus: [{ 'tsc-offset': '1000' }, { 'tsc-offset': '3000' }] })
    at.put('proc/516/task/525/comm', 'CPU 0/KVM\n')
    at.put('proc/516/task/526/comm', 'CPU 1/KVM\n')
    assert.deepEqual((await aligned(at.roots, {}, [event('1', 'host', { pid: 526 })])).times, ['3001'])
    at.put('proc/516/task/525/comm', 'qemu-system-x86\n')
    const { times, warned } = await aligned(at.roots, {}, [event('1', 'host', { pid: 525 })])
    assert.deepEqual([times, warned[1]], [['1001'], 'the threads of vCPU 0 are not known'])
  })
})

describe('scaling', () => {
  // 2 GHz shown as 3 GHz: Intel has 48 fraction bits
  const ratio = { 'tsc-scaling-ratio': '422212465065984', 'tsc-scaling-ratio-frac-bits': '48' }
  const { roots } = machine({ ...vm1, vcpus: [{ pid: '525', 'tsc-offset': '-3000000000', ...ratio }] })
  const hostSays = { type: 'stream', src: 'host', tsc_khz: 2000000 }
  const guestSays = { type: 'stream', src: 'guest', tsc_khz: 3000010 }

  test("both machines have the host's frequency times the ratio, whatever the guest says", async () => {
    const input = [hostSays, guestSays, event('4000000000', 'host'), event('3000000000', 'guest')]
    assert.deepEqual((await aligned(roots, { cycles: false }, input)).times.slice(2), ['1000000000', '1000000000'])
  })

  test("on the host's timeline, the host's own", async () => {
    const input = [hostSays, guestSays, event('4000000000', 'host'), event('3000000000', 'guest')]
    const { times } = await aligned(roots, { cycles: false, inverse: true }, input)
    assert.deepEqual(times.slice(2), ['2000000000', '2000000000'])
  })

  test("the guest's stream alone has what this machine's kernel says, times the ratio; no word from it is said", async () => {
    const input = [guestSays, event('3000000000', 'guest')]
    const known = await aligned(roots, { cycles: false, kernelKhz: () => 2000000 }, input)
    assert.deepEqual([known.times[1], known.warned], ['1000000000', []])
    const unknown = await aligned(roots, { cycles: false, kernelKhz: () => undefined }, input)
    assert.equal(unknown.times[1], '999996666')
    assert.equal(unknown.warned.length, 1)
    assert.match(unknown.warned[0] as string, /give the same --tsc-khz/)
    const inverse = await aligned(roots, { cycles: false, inverse: true, kernelKhz: () => undefined }, input)
    // host cycle 4000000000 at 3000010 / 1.5 kHz
    assert.equal(inverse.times[1], '1999993333')
  })

  test('--tsc-khz is the frequency of the timeline', async () => {
    const input = [hostSays, event('4000000000', 'host')]
    assert.equal((await aligned(roots, { cycles: false, rate: parseKhz('1500000') }, input)).times[1], '2000000000')
  })

  test('of one vCPU only', async () => {
    const vcpus = [
      { pid: '525', 'tsc-offset': '7' },
      { pid: '526', 'tsc-offset': '7', ...ratio },
    ]
    const host = (pid: number) => event('1000', 'host', { pid })
    const { times } = await aligned(machine({ ...vm1, vcpus }).roots, {}, [host(525), host(526)])
    assert.deepEqual(times, ['1007', '1507'])
  })

  test('a ratio of 1.0 is none; one without its fraction bits is not believed', async () => {
    const one = { 'tsc-scaling-ratio': '4294967296', 'tsc-scaling-ratio-frac-bits': '32' }
    const at = (files: Record<string, string>) =>
      machine({ ...vm1, vcpus: [{ pid: '525', 'tsc-offset': '5', ...files }] }).roots
    assert.equal(findVm('vm1', at(one)).vcpus()?.[0]?.ratio, undefined)
    assert.throws(() => findVm('vm1', at({ 'tsc-scaling-ratio': '5' })), Failure)
  })
})

describe('an offset that changes', () => {
  const at = machine({ ...vm1, vcpus: [{ pid: '525', 'tsc-offset': '1000' }] }, vm2)

  test('for the host: by the time of the event, only that of this guest', async () => {
    const { times, counts } = await aligned(at.roots, {}, [
      event('2000', 'host', { pid: 525 }),
      write('2100', 563, '1000', '77'),
      write('2200', 525, '1000', '1000'),
      write('3000', 525, '1000', '600'),
      event('3001', 'host', { pid: 525 }),
      event('2999', 'host', { pid: 999 }),
      // the thread is gone: the event itself says whose it was
      write('4000', 100000, '600', '500', { vm: 'vm2' }),
      write('4000', 100000, '600', '400', { vm: 'vm1' }),
    ])
    assert.deepEqual(times, ['3000', '3100', '3200', '3600', '3601', '3999', '4600', '4400'])
    assert.equal(counts.offset_changes, 2)
  })

  test("for the guest: a time that is before the change under the new offset is the old one's", async () => {
    const guest = (tsc: string) => event(tsc, 'guest')
    const { times } = await aligned(at.roots, { inverse: true }, [
      guest('3900'),
      write('3000', 525, '1000', '2000'),
      guest('3950'),
      guest('3999'),
      guest('5000'),
      guest('5100'),
    ])
    assert.deepEqual(times, ['2900', '3000', '2950', '2999', '3000', '3100'])
  })

  test("what KVM's event says was before counts, where debugfs told the new one already", async () => {
    const { times } = await aligned(at.roots, { inverse: true }, [
      write('3000', 525, '500', '1000'),
      event('3499', 'guest'),
      event('4000', 'guest'),
    ])
    assert.deepEqual(times, ['3000', '2999', '3000'])
  })

  test('a guest that writes its counter all the time costs no memory', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => write(`${3000 + i}`, 525, `${1000 + i}`, `${1001 + i}`))
    await aligned(at.roots, {}, many)
    // the input has its room by now
    const before = allocate(1 << 24)
    const { times } = await aligned(at.roots, {}, many)
    assert.equal(times.at(-1), String(3000 + 19_999 + 1001 + 19_999))
    assert(allocate(1 << 24) - before < 17 << 20)
  })

  test('without the event: when debugfs has shown it twice, and said; a guest that ended keeps its last', () => {
    const own = machine({ ...vm1, vcpus: [{ pid: '525', 'tsc-offset': '1000' }] })
    const warned: string[] = []
    const { roots } = own
    let now = 0
    const options = { vm: 'vm1', src: undefined, inverse: false, cycles: true, rate: undefined, roots, now: () => now }
    const { clocks, look } = vmClocks(options, { warn: (message) => warned.push(message) })
    const after = (ms: number) => {
      now += ms
      look()
      return [clocks.offset(0), clocks.offset(1), clocks.threads.get(526)]
    }
    const row = allocate(ROW_WORDS * 4) >> 2
    words[row + SRC] = idOf('host')
    own.put('debug/kvm/516-11/vcpu0/tsc-offset', '-7\n')
    after(1000)
    // nothing of the host has come so far, so nothing is looked at
    assert.deepEqual(after(1000), [1000n, undefined, undefined])
    clocks.of(row)
    assert.deepEqual([after(1000), after(999)][1], [1000n, undefined, undefined])
    assert.deepEqual(after(1), [-7n, undefined, undefined])
    own.put('debug/kvm/516-11/vcpu1/tsc-offset', '100\n')
    own.put('debug/kvm/516-11/vcpu1/pid', '526\n')
    assert.deepEqual(after(1000), [-7n, 100n, 1])
    rmSync(join(own.folder, 'debug'), { recursive: true })
    after(1000)
    assert.deepEqual(after(1000), [-7n, 100n, 1])
    assert.deepEqual(warned, [
      'vm1, process 516: the offset of vCPU 0 has changed from 1000 to -7, some seconds ago; kvm:kvm_write_tsc_offset in the stream would say when',
      'vm1, process 516: the guest has ended; its last offsets stay',
    ])
  })
})
