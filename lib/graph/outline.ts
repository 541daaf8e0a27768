/**
 * A call tree as an outline, a call a line, two blanks further in than its caller:
 *
 *     // host CPU 1, irqfd-p-1813, at 1341.161393000 s
 *     irqfd_wakeup() // 291.500 us, self 93.020 us
 *       __srcu_read_lock() // 4.348 us
 *       // interrupt: sysvec_apic_timer_interrupt() 12.000 us
 */
import { showDuration } from '../clock/duration.js'
import { seconds } from '../drawing/event-line.js'
import { oneLine } from '../drawing/visible.js'
import { type Call, isCall, type Note, selfOf, type Tree } from './tree.js'

/** `levels`: how many are shown. */
export function outline(tree: Tree, levels: number): string {
  const lines = [heading(tree)]
  const put = (call: Call, level: number) => {
    lines.push(`${'  '.repeat(level)}${callLine(call)}`)
    if (level + 1 >= levels) return
    for (const inside of call.inside) {
      if (isCall(inside)) put(inside, level + 1)
      else lines.push(`${'  '.repeat(level + 1)}${noteLine(inside)}`)
    }
  }
  put(tree.root, 0)
  if (tree.cut > 0) lines.push(`// ${tree.cut} calls in it were beyond --max-calls`)
  return `${lines.join('\n')}\n\n`
}

function heading({ src, cpu, pid, comm, irq, root, cycles }: Tree): string {
  const where = [src, cpu === undefined ? '' : `CPU ${cpu}`].filter((word) => word !== '').join(' ')
  const who = pid === undefined ? '' : `, ${comm ?? '<...>'}-${pid}`
  const { time } = root
  const when =
    time === undefined ? '' : cycles ? `, at cycle ${BigInt.asUintN(64, time)}` : `, at ${seconds(time, 9)} s`
  return oneLine(`// ${irq ? 'interrupt, ' : ''}${where}${who}${when}`)
}

function callLine(call: Call): string {
  const self = call.inside.length > 0 ? `, self ${showDuration(selfOf(call))}` : ''
  return `${oneLine(call.func)}() // ${showDuration(call.total)}${self}`
}

function noteLine({ note, ns }: Note): string {
  return `// ${oneLine(note)}${ns === undefined ? '' : ` ${showDuration(ns)}`}`
}
