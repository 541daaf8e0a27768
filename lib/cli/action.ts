/**
 * An action: a tool that neither reads nor writes records. It prints something, or does something, and
 * answers its status.
 */
import { writeAll } from '../wire/output.js'
import { words } from './options.js'
import { command, type Option, type OptionValues, type Spec, type Tool } from './tool.js'

export interface Action {
  readonly operands: readonly string[]
  /** What stands after `--`. */
  readonly rest: readonly string[]
  /** To stdout, or to another descriptor, at once. */
  print(output: string | Uint8Array, fd?: number): void
}

export function action<O extends Record<string, Option>>(
  spec: Spec<O>,
  run: (options: OptionValues<O>, action: Action) => Promise<number>,
): Tool {
  return command(spec, (args) => {
    const { options, given, rest } = words(spec, args)
    return run(options as OptionValues<O>, {
      operands: given,
      rest,
      print(output, fd = 1) {
        const bytes = Buffer.from(output as string)
        writeAll(fd, 0, bytes.length, bytes)
      },
    })
  })
}
