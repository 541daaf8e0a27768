/** The completion of all tools for one shell. */
import type { Tool } from '../cli/tool.js'
import { bash } from './bash.js'
import { fish } from './fish.js'
import { commandOf } from './words.js'
import { zsh } from './zsh.js'

const scripts = { bash, zsh, fish }

export const shells = ['bash', 'zsh', 'fish'] as const

/** Tools whose name is `vmpipe WORD` complete that word of vmpipe. */
export function scriptFor(shell: (typeof shells)[number], tools: readonly Tool[]): string {
  const commands = tools.map(commandOf).map((one) => ({ ...one, name: one.name.replace(/^vmpipe /, '') }))
  const words = tools.filter(({ spec }) => spec.name !== 'vmpipe').map(({ spec }) => spec.name.replace(/^vmpipe /, ''))
  const self = { name: 'vmpipe', operands: words }
  return scripts[shell](commands.map((one) => (one.name === 'vmpipe' ? { ...one, ...self } : one)))
}
