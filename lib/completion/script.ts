/** The completion of all tools for one shell. */
import type { Tool } from '../cli/tool.js'
import { bash } from './bash.js'
import { fish } from './fish.js'
import { commandOf } from './words.js'
import { zsh } from './zsh.js'

const scripts = { bash, zsh, fish }

export const shells = ['bash', 'zsh', 'fish'] as const

export function scriptFor(shell: (typeof shells)[number], tools: readonly Tool[]): string {
  const commands = tools.map(commandOf)
  const words = commands.map(({ name }) => name).filter((name) => name !== 'vmpipe')
  return scripts[shell](commands.map((one) => (one.name === 'vmpipe' ? { ...one, operands: words } : one)))
}
