/** Completion as a user has it: keys typed into a shell on a terminal, and what the shell makes of them. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { without } from '../support/needs.js'
import { cannotTrace } from '../support/tracing.js'

const path = `${process.cwd()}/dist/bin:${process.env.PATH}`

const shells = {
  bash: { start: 'bash --norc --noprofile -i', load: 'eval "$(vmpipe completion bash)"' },
  zsh: {
    start: 'zsh -f -i',
    load: 'bindkey -e; autoload -U compinit; compinit -u -D; zstyle ":completion:*" list-prompt ""; eval "$(vmpipe completion zsh)"',
  },
}

/** Keys and Tab; then what stands on the line is made an argument of echo (^A is its begin, ^E its end). */
async function typed(shell: 'bash' | 'zsh', keys: string): Promise<string> {
  const { start, load } = shells[shell]
  const terminal = spawn('script', ['-qfc', start, '/dev/null'], {
    env: { ...process.env, PATH: path, TERM: 'dumb', PS1: '$ ', LANG: 'C.UTF-8' },
  })
  let text = ''
  terminal.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  try {
    terminal.stdin.write(`${load}; echo rea''dy\n`)
    await waitFor(
      () => text.includes('ready\r\n'),
      () => text,
    )
    terminal.stdin.write(`${keys}\t\u0001echo '<'\u0005'>'\n`)
    await waitFor(
      () => /<[^'\n]*>\r/.test(text.slice(text.indexOf('ready\r\n'))),
      () => text,
    )
    return /<([^'\n]*)>\r/.exec(text.slice(text.indexOf('ready\r\n')))?.[1]?.trim() ?? ''
  } finally {
    terminal.kill('SIGKILL')
  }
}

async function waitFor(done: () => boolean, said: () => string): Promise<void> {
  for (const end = Date.now() + 30_000; !done(); await sleep(50))
    if (Date.now() > end) throw new Error(`the shell did not answer:\n${said()}`)
}

/** fish says what it would offer, with what is written beside it. */
function offered(line: string): string[] {
  const script = 'vmpipe completion fish | source; complete -C "$LINE"'
  const env = { ...process.env, PATH: path, LINE: line, HOME: '/nonexistent' }
  return execFileSync('fish', ['--no-config', '-c', script], { encoding: 'utf8', env }).trim().split('\n')
}

const lines: [string, string][] = [
  ['pair --pol', 'pair --policy'],
  ['pair --policy fif', 'pair --policy fifo'],
  ['pair --policy=fif', 'pair --policy=fifo'],
  ['vmpipe hist', 'vmpipe histo'],
  ['vmpipe pair --policy fif', 'vmpipe pair --policy fifo'],
  ['vmpipe doctor --js', 'vmpipe doctor --json'],
  ['vmpipe completion zs', 'vmpipe completion zsh'],
  ['vmpipe export perf', 'vmpipe export perfetto'],
  ['vmpipe export hlog package-lo', 'vmpipe export hlog package-lock.json'],
  ['vmpipe export --unit m', 'vmpipe export --unit ms'],
  ['where x package-lo', 'where x package-lock.json'],
]

for (const shell of ['bash', 'zsh'] as const)
  describe(`completion by ${shell}`, { skip: without(shell, 'script') }, () => {
    for (const [keys, whole] of lines) test(keys, async () => assert.equal(await typed(shell, keys), whole))

    test('names of events', { skip: cannotTrace() }, async () => {
      assert.equal(await typed(shell, 'capture-host -e sched:sched_waki'), 'capture-host -e sched:sched_waking')
      assert.match(
        await typed(shell, 'capture-host -e sched:sched_waking,irq:irq_handler_ent'),
        /^capture-host -e sched:sched_waking,irq:irq_handler_entry,?$/,
      )
    })
  })

describe('completion by fish', { skip: without('fish') }, () => {
  test('options, with what they are for', () => {
    assert.match(offered('pair --pol').join(), /^--policy\ta start whose key has an open one/)
    assert.deepEqual(
      offered('pair --policy f').map((line) => line.split('\t')[0]),
      ['fifo', 'first'],
    )
  })

  test('vmpipe: its tools, and theirs', () => {
    assert.match(offered('vmpipe pai').join(), /^pair\tthe latency/)
    assert.deepEqual(
      offered('vmpipe pair --policy f').map((line) => line.split('\t')[0]),
      ['fifo', 'first'],
    )
    assert.deepEqual(offered('vmpipe completion '), ['bash', 'fish', 'zsh'])
    assert.deepEqual(offered('vmpipe export perf'), ['perfetto'])
  })

  test("export alone is the shell's", () => assert.deepEqual(offered('export perfe'), ['']))

  test('files', () => assert.deepEqual(offered('where x package-lo'), ['package-lock.json']))

  test('names of events', { skip: cannotTrace() }, () => {
    assert.match(offered('capture-host -e irq:irq_handler_en').join(), /^irq:irq_handler_entry\t/)
    assert.match(
      offered('capture-host -e sched:sched_waking,irq:irq_handler_en').join(),
      /^sched:sched_waking,irq:irq_handler_entry\t/,
    )
  })
})
