/** The page of report, in a real browser: what it shows, against what is computed here; zoom, hover, keyboard; harm. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Browser, Locator, Page } from 'playwright-core'
import { launch, type Opened, open } from '../support/browser.js'
import { without } from '../support/needs.js'

const KEYS = `msi='dst == 0 ? (vec == 36 ? "virtio0-output.0" : vec == 38 ? "virtio1-req.0" : "virtio0-input.0")
  : (vec == 37 ? "virtio0-input.1" : vec == 38 ? "virtio1-req.1" : vec == 40 ? "virtio2-virtqueues" : "virtio0-output.1")'`

interface Pair {
  key: string
  start: number
  end: number
  delta: number
}

describe('the page of report', { skip: without('chromium') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'report-'))
  const path = join(folder, 'page.html')
  let browser: Browser
  let opened: Opened
  let page: Page
  let pairs: Pair[]
  before(async () => {
    const both = join(folder, 'both.ndjson')
    bash(`${KEYS}
      parse -q --src host data/irq-host.txt.gz | where -q 'event != "irq_handler_entry"' | tsc-align -q --tsc-offset -530607982635 --tsc-khz 2445430 >${folder}/host
      parse -q --src guest data/irq-guest.txt.gz | tsc-align -q --tsc-khz 2445430 >${folder}/guest
      order -q ${folder}/host ${folder}/guest | key-map -q -k "kvm_msi_set_irq=$msi" -k irq_handler_entry=name >${both}
      pair -q kvm_msi_set_irq irq_handler_entry --events -- ${both} | report -q >${path}`)
    pairs = pairsOf(bash(`pair -q kvm_msi_set_irq irq_handler_entry -- ${both}`))
    browser = await launch()
    opened = await open(browser, path)
    page = opened.page
  })
  after(async () => {
    await browser?.close()
    rmSync(folder, { recursive: true })
  })

  test('is small, asks for nothing, and says nothing', async () => {
    assert.ok(statSync(path).size < 500_000)
    await page.evaluate(() => document.fonts.ready)
    assert.deepEqual(opened.said, [])
  })

  test('has in its table what the pairs say', async () => {
    const rows = await page
      .locator('#table tbody tr')
      .evaluateAll((all) => all.map((tr) => [...tr.children].map((cell) => cell.textContent ?? '')))
    const keys = [...new Set(pairs.map(({ key }) => key))]
    assert.deepEqual(rows.map(([name]) => name).sort(), ['all keys', ...keys].sort())
    for (const [name = '', calls, total, min, p50, p95, p99, p999, max] of rows) {
      const deltas = pairs.filter(({ key }) => name === 'all keys' || key === name).map(({ delta }) => delta)
      const sorted = deltas.sort((a, b) => a - b)
      assert.equal(number(calls), deltas.length, name)
      near(number(total), sorted.reduce((sum, delta) => sum + delta, 0) / 1e3, 0)
      near(number(min), (sorted[0] ?? 0) / 1e3, 0)
      near(number(max), (sorted.at(-1) ?? 0) / 1e3, 0)
      const shown = [p50, p95, p99, p999]
      for (const [i, percent] of [50, 95, 99, 99.9].entries())
        near(number(shown[i]), (sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? 0) / 1e3, 1 / 1024)
    }
  })

  test('draws each pair where its end and its latency are', async () => {
    const dots = await dotsOf(page)
    assert.equal(dots.length, pairs.length)
    const scale = await scaleOf(page)
    const wanted = pairs.map(({ end, delta }) => `${scale.x(end)} ${scale.y(delta)}`).sort()
    const far = dots.sort().filter((dot, i) => dot !== wanted[i])
    // one decimal of a pixel, rounded on both sides
    assert.ok(far.length < pairs.length / 20, `${far.length} dots are elsewhere`)
  })

  test('rings the slowest, and names those of 23 ms at first sight', async () => {
    assert.equal(await page.locator('.ring').count(), 10)
    const labels = await page.locator('.ring-label').allTextContents()
    for (const label of ['34.6 ms virtio0-output.1', '23.7 ms virtio0-output.0', '23.5 ms virtio0-input.0'])
      assert.ok(labels.includes(label), `${label} is not among ${labels}`)
    const slowest = pairs.toSorted((a, b) => b.delta - a.delta).slice(0, 10)
    const listed = await page.locator('#slowest .key').allTextContents()
    assert.deepEqual(
      listed,
      slowest.map(({ key }) => key),
    )
  })

  test('shows that the vCPU was runnable and did not run', async () => {
    const { start, delta } = await chooseSlow(page, pairs, 2)
    // from the host's own events: thread 296 is switched out runnable, and back in
    const switches = readFileSync(join(folder, 'host'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('"sched_switch"'))
      .map((line) => JSON.parse(line))
    const out = switches.findLast(({ ts, args }) => Number(ts) <= start && args.prev_pid === 296)
    const back = switches.find(({ ts, args }) => Number(ts) > start && args.next_pid === 296)
    assert.equal(out.args.prev_state, 'R')
    const waited = Number(back.ts) - start
    assert.equal(waited, 22_882_233)
    const story = await page.locator('.story').textContent()
    assert.match(story ?? '', /vCPU 0 \(thread 296\) was 22\.9 ms \(97\.3 %\) runnable without a CPU/)
    assert.match(story ?? '', /its CPU ran: l2sh 404 22\.6 ms/)
    const band = await boxOf(page.locator('#timeline .band'))
    const waiting = await widest(page.locator('#timeline rect.segment.waiting'))
    const shown = (Math.min(waiting.right, band.right) - Math.max(waiting.left, band.left)) / (band.right - band.left)
    near(shown, waited / delta, 0.01)
  })

  test('draws the pair as an arrow from the host above to the guest below', async () => {
    const machines = page.locator('#timeline .machine')
    assert.deepEqual(await machines.allTextContents(), ['host', 'guest'])
    const [host, guest] = [await boxOf(machines.nth(0)), await boxOf(machines.nth(1))]
    const line = page.locator('#timeline line.arrow:not(.under)')
    const [x1, y1, x2, y2] = await Promise.all(
      ['x1', 'y1', 'x2', 'y2'].map(async (name) => Number(await line.getAttribute(name))),
    )
    assert.ok((x1 ?? 0) < (x2 ?? 0) && (y1 ?? 0) < (y2 ?? 0))
    const box = await boxOf(line)
    assert.ok(box.top > host.top && box.top < guest.top && box.bottom > guest.top)
    // nothing is known of the other direction, so the latest end is open
    assert.equal(await page.locator('#timeline .uncertain').count(), 2)
    assert.equal(await page.locator('#timeline .uncertain.open').count(), 1)
  })

  test('has the account of the pairs', async () =>
    assert.match(
      (await page.locator('#account').textContent()) ?? '',
      /1416 starts = 1407 pairs \+ 9 replaced; 1415 ends = 1407 pairs \+ 8 orphans/,
    ))

  test('zooms by dragging, by the wheel with Ctrl, by buttons and by keys', async () => {
    await page.evaluate(() => scrollTo(0, 0))
    const all = await ticksOf(page)
    const box = await boxOf(page.locator('#latency'))
    const [x, y] = [box.left + 200, box.top + 150]
    const back = async (how: string) => {
      const zoomed = await ticksOf(page)
      assert.notDeepEqual(zoomed, all, how)
      assert.ok((await dotsOf(page)).length < pairs.length, how)
      await page.getByRole('button', { name: 'show all' }).first().click()
      assert.deepEqual(await ticksOf(page), all, how)
    }
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 300, y, { steps: 3 })
    await page.mouse.up()
    await back('drag')
    await page.mouse.move(x, y)
    await page.keyboard.down('Control')
    await page.mouse.wheel(0, -300)
    await page.keyboard.up('Control')
    await page.waitForFunction(
      (before) => [...document.querySelectorAll('#latency .tick')].map((tick) => tick.textContent).join() !== before,
      all.join(),
    )
    await back('wheel')
    await page.getByRole('button', { name: 'zoom in' }).click()
    await back('button')
    await page.locator('#latency').focus()
    for (const key of ['+', '+', 'ArrowLeft']) await page.keyboard.press(key)
    await back('keys')
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x + 100, y)
    await page.mouse.up()
    await page.mouse.dblclick(x, y)
    assert.deepEqual(await ticksOf(page), all)
  })

  test('leaves the plain wheel to the page', async () => {
    const all = await ticksOf(page)
    const box = await boxOf(page.locator('#latency'))
    await page.mouse.move(box.left + 200, box.top + 100)
    await page.mouse.wheel(0, 400)
    await page.waitForFunction(() => scrollY > 100)
    assert.deepEqual(await ticksOf(page), all)
    await page.evaluate(() => scrollTo(0, 0))
  })

  test('tells under the pointer what is there', async () => {
    const tip = page.locator('#tip')
    await page.evaluate(() => scrollTo(0, 0))
    await page.locator('.ring[data-slow="0"]').hover({ force: true })
    assert.match((await tip.textContent()) ?? '', /^34\.646326 msvirtio0-output\.1ended at 38\.761946080 s/)
    const waiting = await widest(page.locator('#timeline .segment.waiting'))
    await page.evaluate((top) => scrollBy(0, top - 300), waiting.top)
    await page.mouse.move((waiting.left + waiting.right) / 2 + 5, 300 + (waiting.bottom - waiting.top) / 2)
    assert.match((await tip.textContent()) ?? '', /^runnable, not runninghost, thread \d+ of vCPU \d/)
    await page.locator('#percentiles').scrollIntoViewIfNeeded()
    const box = await boxOf(page.locator('#percentiles'))
    await page.mouse.move(box.left + (box.right - box.left) / 2, box.top + 100)
    assert.match((await tip.textContent()) ?? '', /% of the pairs take at most/)
    await page.mouse.move(2, 2)
    assert.ok(await tip.isHidden())
  })

  test('is used with the keyboard alone', async () => {
    const tip = page.locator('#tip')
    await page.locator('#latency').focus()
    const before = await page.locator('#slowest [aria-current=true]').getAttribute('data-slow')
    await page.keyboard.press('n')
    assert.notEqual(await page.locator('#slowest [aria-current=true]').getAttribute('data-slow'), before)
    assert.match((await tip.textContent()) ?? '', /number \d+ of the slowest/)
    await page.keyboard.press('Enter')
    assert.equal(await page.evaluate(() => document.activeElement?.id), 'timeline')
    await page.keyboard.press('n')
    assert.match((await tip.textContent()) ?? '', /^−.*(host|guest)/)
    await page.keyboard.press('Escape')
    assert.ok(await tip.isHidden())
    await page.locator('#slowest button').first().focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('data-slow')), '2')
    await page.locator('#percentiles').focus()
    await page.keyboard.press('ArrowRight')
    assert.match((await tip.textContent()) ?? '', /of the pairs take at most/)
    // everything that can be used is reached with Tab
    const stops = new Set<string>()
    await page.locator('body').click({ position: { x: 2, y: 2 } })
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab')
      stops.add(await page.evaluate(() => document.activeElement?.id || document.activeElement?.tagName || ''))
    }
    for (const stop of ['latency', 'percentiles', 'timeline', 'BUTTON', 'SUMMARY']) assert.ok(stops.has(stop), stop)
  })

  test('shows one key alone, and sorts', async () => {
    const row = page.locator('#table tr', { hasText: 'virtio0-input.0' }).getByRole('button')
    await row.click()
    const own = pairs.filter(({ key }) => key === 'virtio0-input.0').length
    assert.equal((await dotsOf(page)).length, own)
    assert.equal(await page.locator('.ring').count(), 2)
    await row.click()
    assert.equal((await dotsOf(page)).length, pairs.length)
    await page.getByRole('button', { name: 'max', exact: false }).last().click()
    assert.equal(await page.locator('#table tbody .key bdi').first().textContent(), 'virtio0-output.1')
    assert.equal(await page.locator('th[aria-sort]').textContent(), 'max µs')
  })

  test('lists the events of a timeline', async () => {
    await chooseSlow(page, pairs, 2)
    await page.locator('#events summary').click()
    await page.locator('#events tr').first().waitFor()
    const rows = await page.locator('#events tr').allTextContents()
    assert.ok(rows.some((row) => /host CPU 0.*CPU 0\/KVM 296.*sched_switch.*prev_state=R/.test(row)))
    assert.ok(rows.some((row) => /^\+23\.5 msguest CPU 0.*irq_handler_entry.*name=virtio0-input\.0/.test(row)))
  })

  test('said nothing on the console all that time', () => assert.deepEqual(opened.said, []))

  for (const colorScheme of ['light', 'dark'] as const)
    test(`can be read on a phone, ${colorScheme}`, async () => {
      const phone = await open(browser, path, { viewport: { width: 360, height: 740 }, hasTouch: true, colorScheme })
      assert.ok(await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
      assert.equal(await phone.page.locator('.ring').count(), 10)
      const worst = await phone.page.evaluate(leastContrast)
      assert.ok(worst >= 4.5, `contrast ${worst}`)
      await phone.page.locator('#slowest button').nth(1).tap()
      assert.equal(await phone.page.locator('#slowest [aria-current=true]').getAttribute('data-slow'), '1')
      assert.deepEqual(phone.said, [])
      await phone.close()
    })

  test('draws losses, in the heatmap and in the timeline of their machine', async () => {
    const lossy = join(folder, 'lossy.html')
    bash(
      `{ sed -n 1,7p ordinary/input.ndjson; echo '{"type":"lost","src":"guest","cpu":0,"count":12,"from":"196000","to":"299000"}'; sed -n '8,$p' ordinary/input.ndjson; } |
      pair -q kvm_msi_set_irq irq_handler_entry --events | report -q --around 50us >${lossy}`,
      'test/cases/report',
    )
    const other = await open(browser, lossy)
    const [loss, plot] = [await boxOf(other.page.locator('#latency .loss')), await scaleOf(other.page)]
    near(loss.right - loss.left, plot.x(299_000) - plot.x(196_000), 0.02)
    assert.equal(await other.page.locator('#latency .loss title').textContent(), 'lost: 12 events of guest CPU 0')
    assert.equal(await other.page.locator('#timeline .loss').count(), 1)
    assert.match((await other.page.locator('#figures .alarm').textContent()) ?? '', /12 events/)
    assert.deepEqual(other.said, [])
    await other.close()
  })

  test('takes no harm from names', async () => {
    const hostile = join(folder, 'hostile.html')
    const names = [
      '<script>alert(1)</script>',
      '</script><img src=x onerror=alert(2)>',
      '\u001b[2J\u001b[31m',
      '\u202egnp.exe',
      '&lt;b>"\'',
      `x${'y'.repeat(65535)}`,
      '__proto__',
      '\u0024{alert(3)}',
    ]
    const lines = names.flatMap((name, i) => {
      const at = (offset: number) => String(1_000_000 + i * 100_000 + offset)
      // pair takes no longer one
      const key = name.slice(0, 1000)
      const task = {
        comm: name,
        args: { prev_comm: name, prev_pid: 7, prev_state: 'R', next_comm: name, next_pid: 8, name },
      }
      return [
        { ts: at(0), src: 'host', event: 'a', cpu: 0, pid: 7, key, ...task },
        { ts: at(10), src: 'host', event: 'sched_switch', cpu: 0, pid: 7, ...task },
        { ts: at(20), src: name.slice(0, 200), event: name.slice(0, 200), cpu: 0, pid: 7, text: name, ...task },
        { ts: at(5000 + i), src: 'guest', event: 'b', cpu: 0, pid: 7, key, ...task },
      ]
    })
    writeFileSync(join(folder, 'hostile'), `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`)
    bash(`pair -q a b --events -- ${folder}/hostile | report -q --title '<img src=x onerror=alert(4)>' >${hostile}`)
    const other = await open(browser, hostile)
    for (let i = 0; i < names.length; i++) {
      await other.page.locator('#slowest button').nth(i).click()
      await other.page.locator('#timeline .segment').first().hover()
      await other.page.locator('#events summary').click()
    }
    assert.equal(await other.page.locator('h1').textContent(), '<img src=x onerror=alert(4)>')
    assert.equal(await other.page.locator('img, b script, main script').count(), 0)
    const keys = await other.page.locator('#table .key bdi').allTextContents()
    for (const name of names.slice(0, 2)) assert.ok(keys.includes(name))
    assert.ok(keys.includes('\\x1b[2J\\x1b[31m') && keys.includes('\\u{202e}gnp.exe'))
    assert.ok(keys.some((key) => key.startsWith('xyyy') && key.endsWith('(1,000 characters)')))
    assert.ok(await other.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth))
    assert.deepEqual(other.said, [])
    await other.close()
  })

  test('is not run by what the policy forbids', async () => {
    const other = await open(browser, path)
    const ran = await other.page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'window.harmed = true'
      document.body.append(script)
      return 'harmed' in window
    })
    assert.equal(ran, false)
    await other.page.evaluate(() => fetch('https://vmpipe.invalid/').catch(() => undefined))
    assert.ok(other.said.some((line) => line.includes('Content Security Policy')))
    assert.ok(!other.said.some((line) => line.startsWith('request')))
    await other.close()
  })

  test('of very many pairs still has the slowest', async () => {
    const many = join(folder, 'many.html')
    bash(
      `awk 'BEGIN { x = 7; for (i = 0; i < 100000; i++) { x = (x * 16807) % 2147483647; printf "{\\"type\\":\\"pair\\",\\"start\\":\\"a\\",\\"end\\":\\"b\\",\\"key\\":%d,\\"end_ts\\":\\"%d\\",\\"delta_ns\\":%d}\\n", i % 5, 300000 * i + 5000000, i == 61803 ? 987654321 : 1000 + x % 400000 } }' | report -q >${many}`,
    )
    assert.ok(statSync(many).size < 2_000_000)
    const other = await open(browser, many)
    assert.match((await other.page.locator('#figures').textContent()) ?? '', /pairs100,000.*max988 ms/)
    assert.equal(await other.page.locator('#slowest button b').first().textContent(), '988 ms')
    assert.ok((await dotsOf(other.page)).length <= 8000)
    assert.match((await other.page.locator('#notes').textContent()) ?? '', /Of 100,000 pairs/)
    assert.deepEqual(other.said, [])
    await other.close()
  })
})

function bash(script: string, cwd = 'examples'): string {
  const env = { ...process.env, PATH: `${resolve('dist/bin')}:${process.env.PATH}` }
  const { stdout, stderr, status } = spawnSync('bash', ['-o', 'pipefail', '-c', script], {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  assert.equal(status, 0, stderr)
  return stdout
}

function pairsOf(ndjson: string): Pair[] {
  return ndjson
    .split('\n')
    .filter((line) => line.includes('"type":"pair"'))
    .map((line) => JSON.parse(line))
    .map(({ key, start_ts, end_ts, delta_ns }) => ({
      key,
      start: Number(start_ts),
      end: Number(end_ts),
      delta: delta_ns,
    }))
}

function number(text: string | undefined): number {
  return Number(text?.replaceAll(',', ''))
}

/** To what is shown, which has one digit after the point, and so large a share. */
function near(got: number, wanted: number, share: number): void {
  assert.ok(Math.abs(got - wanted) <= 0.051 + wanted * share, `${got} is not ${wanted}`)
}

/** `x y` of each point. */
async function dotsOf(page: Page): Promise<string[]> {
  const paths = await page
    .locator('#latency .dots')
    .evaluateAll((all) => all.map((path) => path.getAttribute('d') ?? ''))
  return [...paths.join('').matchAll(/M(\S+) (\S+)h0/g)].map(([, x, y]) => `${x} ${y}`)
}

async function ticksOf(page: Page): Promise<(string | null)[]> {
  return page.locator('#latency .tick').allTextContents()
}

/** From the labels of the axes, as a reader would. */
async function scaleOf(page: Page): Promise<{ x(ns: number): string & number; y(ns: number): string & number }> {
  const ticks = await page
    .locator('#latency .tick')
    .evaluateAll((all) =>
      all.map((text) => [
        text.textContent ?? '',
        text.getAttribute('x'),
        text.getAttribute('y'),
        text.getAttribute('text-anchor'),
      ]),
    )
  const units: Record<string, number> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 }
  const values = ticks
    .filter(([, , , anchor]) => anchor === 'end')
    .map(([text, , y]) => {
      const [digits, unit = ''] = (text ?? '').split(' ')
      return [Math.log10(Number(digits) * (units[unit] ?? 0)), Number(y) - 4] as const
    })
  const times = ticks
    .filter(([, , , anchor]) => anchor === 'middle')
    .map(([text, x]) => [Number(text) * 1e9, Number(x)] as const)
  const through = (points: readonly (readonly [number, number])[]) => {
    const [a, b] = [points[0] ?? [0, 0], points.at(-1) ?? [1, 1]]
    return (value: number) => a[1] + ((value - a[0]) / (b[0] - a[0])) * (b[1] - a[1])
  }
  const [x, y] = [through(times), through(values)]
  // a text for comparing dots, a number for computing
  const rounded = (value: number) => value.toFixed(1) as string & number
  return { x: (ns) => rounded(x(ns)), y: (ns) => rounded(y(Math.log10(ns))) }
}

async function chooseSlow(page: Page, pairs: Pair[], i: number): Promise<Pair> {
  await page.locator('#slowest button').nth(i).click()
  return pairs.toSorted((a, b) => b.delta - a.delta)[i] as Pair
}

interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

async function boxOf(locator: Locator): Promise<Box> {
  return locator.first().evaluate((element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect()
    return { left, right, top, bottom }
  })
}

async function widest(locator: Locator): Promise<Box> {
  const boxes = await Promise.all((await locator.all()).map(boxOf))
  return boxes.sort((a, b) => b.right - b.left - (a.right - a.left))[0] as Box
}

/** Of texts outside the pictures, the least contrast with what is behind them (WCAG 2). */
function leastContrast(): number {
  const parts = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number)
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = parts(colour).map((v) =>
      v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4,
    )
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element: Element | null): string => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at)
      if ((parts(backgroundColor)[3] ?? 1) > 0.5) return backgroundColor
    }
    return 'rgb(255,255,255)'
  }
  let least = 21
  for (const element of document.querySelectorAll('main *:not(svg *)')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim())) continue
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))]
    least = Math.min(least, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05))
  }
  return least
}
