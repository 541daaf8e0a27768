/** A stop that is waited for beside other things, and keeps nothing of them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { stopSign } from '../../lib/transport/stop-sign.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const never = new Promise<string>(() => {})

/** Is what was waited for held when that is over? `wait` is to forget it. */
async function isHeld(wait: (work: Promise<object>) => Promise<unknown>): Promise<boolean> {
  const channel = await (async () => {
    const one = { socket: new Array(1000).fill(0) }
    await wait(Promise.resolve(one))
    return new WeakRef(one)
  })()
  for (let i = 0; i < 3; i++) await setImmediate()
  collect()
  return channel.deref() !== undefined
}

describe('a stop', () => {
  test('what was done before it, and what failed', async () => {
    const stop = stopSign()
    assert.equal(await stop.or(Promise.resolve('done')), 'done')
    await assert.rejects(stop.or(Promise.reject(new Error('refused'))), /refused/)
    assert.equal(stop.given, false)
  })

  test('all who wait go on, and whoever comes later', async () => {
    const stop = stopSign()
    const waiting = Promise.all([stop.or(never), stop.or(never)])
    stop.give()
    assert.deepEqual(await waiting, [undefined, undefined])
    assert.equal(await stop.or(never), undefined)
    assert.equal(stop.given, true)
  })

  test('holds nothing of what is over, as Promise.race does', async () => {
    const stop = stopSign()
    assert.equal(await isHeld((work) => stop.or(work)), false)
    assert.equal(await isHeld((work) => Promise.race([work, never])), true)
    assert.equal(stop.given, false)
  })
})
