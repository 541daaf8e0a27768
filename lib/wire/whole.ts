/** An input that is read as one text: small files of the kernel, and saved ones. */
import { StringDecoder } from 'node:string_decoder'
import { allocate, bytes, release } from './memory.js'
import { openSource, PIPE_READ } from './source.js'
import { systemMessage } from './system-message.js'

export interface Whole {
  /** `stdin` for `-`. */
  name: string
  text: string
}

/** More is no such file: what has 10,000 lines for 1,000 CPUs has 110 MB. */
const MOST = 1 << 27

/** `onOpen` gets what ends a read that waits. Throws an Error that says what is wrong with the input. */
export async function readWhole(path: string, onOpen: (stop: () => void) => void): Promise<Whole> {
  const room = allocate(PIPE_READ)
  const decoder = new StringDecoder('utf8')
  const parts: string[] = []
  let length = 0
  try {
    const source = openSource(path)
    onOpen(() => source.stop())
    for (let n = await source.read(room, PIPE_READ); n > 0; n = await source.read(room, PIPE_READ)) {
      length += n
      if (length > MOST) throw new Error(`longer than ${MOST >> 20} MiB`)
      parts.push(decoder.write(Buffer.from(bytes.subarray(room, room + n))))
    }
    source.close()
    return { name: source.name, text: parts.join('') + decoder.end() }
  } catch (error) {
    throw new Error(`${path === '-' ? 'stdin' : path}: ${systemMessage(error)}`)
  } finally {
    release(room, PIPE_READ)
  }
}
