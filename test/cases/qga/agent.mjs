// A guest agent that answers well or badly: node agent.mjs SOCKET SCENARIO
import { createServer } from 'node:net'

const [path, scenario] = process.argv.slice(2)
const commands = (enabled) =>
  ['guest-ping', 'guest-exec', 'guest-exec-status'].map((name) => ({ name, enabled: enabled || name === 'guest-ping' }))
const base64 = (text) => Buffer.from(text).toString('base64')
const fails = (desc) => ({ error: { class: 'GenericError', desc } })
const good = {
  'guest-ping': {},
  'guest-info': { version: '7.2', supported_commands: commands(true) },
  'guest-exec': { pid: 42 },
  'guest-exec-status': { exited: true, exitcode: 3, 'out-data': base64('out\n'), 'err-data': base64('err\n') },
}

/** What each scenario answers otherwise: a value to return, or a text to send as it is. */
const others = {
  disabled: { 'guest-info': { version: '7.2', supported_commands: commands(false) } },
  'nothing-known': { 'guest-info': { version: '7.2', supported_commands: [] } },
  signal: { 'guest-exec-status': { exited: true, signal: 15 } },
  truncated: { 'guest-exec-status': { exited: true, exitcode: 0, 'out-data': base64('begin'), 'out-truncated': true } },
  'not-json': { 'guest-ping': 'hello\n' },
  'a-list': { 'guest-ping': '[1]\n' },
  neither: { 'guest-ping': '{"event":"RESET"}\n' },
  terminal: { 'guest-ping': `${JSON.stringify(fails(`\u001b[31mred\nqga: a line of its own \u202e${'x'.repeat(5000)}`))}\n` },
  'an-odd-error': { 'guest-ping': '{"error":["\\u001b[2J"]}\n' },
  'info-is-odd': { 'guest-info': { version: 7, supported_commands: 'all' } },
  'names-are-odd': {
    'guest-info': { version: '\u001b[31m7', supported_commands: [{ name: '__proto__', enabled: true }, { name: 'a\nb enabled', enabled: false }] },
  },
  'a-name-is-missing': { 'guest-info': { version: '7', supported_commands: [{ enabled: true }] } },
  'pid-is-text': { 'guest-exec': { pid: '42; reboot' } },
  'status-is-text': { 'guest-exec-status': { exited: true, exitcode: '0' } },
  'exited-is-text': { 'guest-exec-status': { exited: 'no' } },
  'closes-midway': { 'guest-exec': '{"return": {"pi' },
  'never-answers-exec': { 'guest-exec': '' },
}

createServer((socket) => {
  socket.on('error', () => {})
  if (scenario === 'closes') socket.end()
  if (scenario === 'silent') return
  if (scenario === 'floods') {
    const block = Buffer.alloc(1 << 20, 'x')
    const flood = () => {
      while (socket.writable && socket.write(block));
    }
    socket.on('drain', flood)
    flood()
    return
  }
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1').replaceAll('\xff', '')
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n')) {
      answer(socket, JSON.parse(text.slice(0, at)))
      text = text.slice(at + 1)
    }
  })
}).listen(path)

function answer(socket, { execute, arguments: args }) {
  if (execute === 'guest-sync-delimited') return sync(socket, args.id)
  const told = others[scenario]?.[execute] ?? good[execute]
  socket.write(typeof told === 'string' ? told : `${JSON.stringify({ return: told })}\n`)
  if (scenario === 'closes-midway' && typeof told === 'string') socket.end()
}

function sync(socket, id) {
  if (scenario === 'another-number') return socket.write(`\xff{"return": 1}\n`, 'latin1')
  // what an earlier client left: an answer, half an answer, the answer to its own synchronisation
  if (scenario === 'left-over') socket.write(`{"return": {"version": 1}}\n{"retu\xff{"return": 1}\n{"return":\n\xff`, 'latin1')
  // in pieces
  socket.write('\xff{"retu', 'latin1')
  setTimeout(() => socket.write(`rn": ${id}}\n`), 20)
}
