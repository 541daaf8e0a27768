/**
 * vmpipe - one tool, or a whole pipeline of them in one process.
 *
 *     vmpipe pair A B                            is  pair A B
 *     vmpipe 'order a b | pair X Y | histo'      is  order a b | pair X Y | histo
 *
 * The stages are the same functions, with no text between them; what comes out is the same, byte for byte.
 */
import { runCommandLine } from '../lib/cli/fuse.js'
import { command } from '../lib/cli/tool.js'

const spec = {
  name: 'vmpipe',
  summary: 'run a tool, or a pipeline of tools in one process',
  operands: "<tool> [argument...] | '<pipeline>'",
  own: Number.POSITIVE_INFINITY,
  options: {},
  examples: ["vmpipe 'order host.ndjson guest.ndjson | pair A B | histo'"],
}

export default command(spec, runCommandLine)
