/**
 * A real browser (Debian's chromium) on a page from disk. Whatever the page asks of the network, says on the console or
 * throws is kept, for it should be nothing.
 */
import { execFileSync } from 'node:child_process'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

export interface Opened {
  page: Page
  /** Requests but for the page itself, console messages, errors, dialogs. */
  said: string[]
  close(): Promise<void>
}

export async function launch(): Promise<Browser> {
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim()
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking']
  return chromium.launch({ executablePath, args })
}

export async function open(browser: Browser, path: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const said: string[] = []
  page.on('console', (message) => said.push(`console ${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => said.push(`error: ${error.message}`))
  page.on('dialog', (dialog) => {
    said.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => {
    if (request.url() !== `file://${path}`) said.push(`request: ${request.url()}`)
  })
  await page.goto(`file://${path}`)
  await page.locator('svg#latency circle').first().waitFor()
  return { page, said, close: () => context.close() }
}
