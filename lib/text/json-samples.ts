/**
 * The elements of the one array that matters in a document of one huge JSON value, one after another, by
 * stream-json: nothing is held but the element at hand. Integers above 2^53 and numbers with a fraction stay as
 * their digits (strings), so that a time is exact; others are numbers.
 */
import { pipeline, Readable, type Transform } from 'node:stream'
import { pick } from 'stream-json/filters/pick.js'
import { parser, type Token } from 'stream-json/parser.js'
import { streamArray } from 'stream-json/streamers/stream-array.js'
import { objectTransform } from 'through2'
import { pieces, type Source, whole } from '../wire/source.js'

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
  const bytes = Readable.from(whole(first, text), { objectMode: true })
  const last = stages.at(-1) as Transform
  // an error of any stage comes out of the last one
  pipeline([bytes, ...stages], () => {})
  for await (const { value } of last) yield value
}

/** Numbers that a double does not hold become strings of their digits. */
function exactNumbers(): Transform {
  return objectTransform((token: Token, _encoding: string, done: (error: null, token: Token) => void) => {
    const inexact = token.name === 'numberValue' && !/^-?\d{1,15}$/.test(token.value)
    done(null, inexact ? { name: 'stringValue', value: token.value } : token)
  })
}
