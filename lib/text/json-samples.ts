/**
 * The elements of the one array that matters in a document of one huge JSON value, one after another, by
 * stream-json: nothing is held but the element at hand. Integers above 2^53 and numbers with a fraction stay as
 * their digits (strings), so that a time is exact; others are numbers.
 */
import { Readable, Transform } from 'node:stream'
import { pick } from 'stream-json/filters/pick.js'
import { parser, type Token } from 'stream-json/parser.js'
import { streamArray } from 'stream-json/streamers/stream-array.js'
import { allocate, bytes, release } from '../wire/memory.js'
import { PIPE_READ, type Source } from '../wire/source.js'

/** What an element is, as far as anybody knows. */
export type Sample = Record<string, unknown>

/** The elements of the array called `name`, or of the document where it is an array itself. */
export async function* samples(source: Source, name: string): AsyncGenerator<unknown> {
  const text = pieces(source)
  const { value: first } = await text.next()
  if (!first) return
  const isArray = /^\s*\[/.test(first.toString('latin1', 0, 1024))
  const stages = [
    parser.asStream({ streamValues: false }),
    ...(isArray ? [] : [pick.asStream({ filter: name, once: false })]),
    exactNumbers(),
    streamArray.asStream(),
  ]
  let stream: NodeJS.ReadableStream = Readable.from(whole(first, text), { objectMode: true })
  const last = stages.at(-1) as Transform
  for (const stage of stages) {
    stream.on('error', (error) => last.destroy(error))
    stream = stream.pipe(stage)
  }
  for await (const { value } of last) yield value
}

async function* whole(first: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  yield first
  yield* rest
}

async function* pieces(source: Source): AsyncGenerator<Buffer> {
  const room = allocate(PIPE_READ)
  try {
    while (true) {
      const n = await source.read(room, PIPE_READ)
      if (n === 0) return
      yield Buffer.from(bytes.subarray(room, room + n))
    }
  } finally {
    release(room, PIPE_READ)
  }
}

/** Numbers that a double does not hold become strings of their digits. */
function exactNumbers(): Transform {
  return new Transform({
    objectMode: true,
    transform(token: Token, _encoding, done) {
      if (token.name === 'numberValue' && !/^-?\d{1,15}$/.test(token.value))
        done(null, { name: 'stringValue', value: token.value })
      else done(null, token)
    },
  })
}
