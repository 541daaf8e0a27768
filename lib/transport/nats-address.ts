/**
 * The address of a stream of NATS JetStream, as both ends write it:
 *
 *     nats://HOST:PORT[,HOST:PORT...]/STREAM/PREFIX.NODE.VM
 *
 * `tls://` is the same, and insists on encryption. PREFIX.NODE.VM is the subject: whose events these are; pull may
 * write `*` for NODE and VM, or leave the subject out. What is published has one token more, which part of how many
 * it is: `fleet.node7.vm1.1of4` (nats-partition.ts).
 *
 * nats:// is the scheme of NATS's own tools, and the path is what they name apart (--stream, --subject): all that says
 * where a stream is stands in one word, as with every other target.
 */
export interface NatsTarget {
  kind: 'nats'
  name: string
  servers: string[]
  tls: boolean
  stream: string
  /** `fleet.node7.vm1`, with `*` where it is a filter; empty where none is given. */
  subject: string
}

const TOKEN = /^[\w-]+$/
const EXAMPLE = 'as in nats://127.0.0.1:4222/FLEET/fleet.node7.vm1'

/** Throws an Error that says what is wrong. */
export function parseNats(text: string): NatsTarget {
  const [, scheme, authority = '', path = ''] = /^(nats|tls):\/\/([^/]*)\/?(.*)$/s.exec(text) ?? []
  // not said back: what stands before the @ is a secret, and may have a slash in it
  if (text.includes('@'))
    throw new Error(
      'a password in an address can be read by every user of this machine; NATS_CREDS or NATS_NKEY name a file, NATS_USER and NATS_PASSWORD are read, too',
    )
  const servers = authority.split(',')
  const wrong = servers.find((server) => !/^(\[[\da-fA-F:]+\]|[\w.-]+)(:\d{1,5})?$/.test(server))
  if (wrong !== undefined) throw new Error(`${text}: ${JSON.stringify(wrong)} is no server; ${EXAMPLE}`)
  const [stream = '', subject = '', ...more] = path.split('/')
  if (!TOKEN.test(stream) || more.length > 0) throw new Error(`${text} names no stream; ${EXAMPLE}`)
  const tokens = subject === '' ? [] : subject.split('.')
  if (subject !== '' && (tokens.length < 3 || tokens.some((token) => token !== '*' && !TOKEN.test(token))))
    throw new Error(`${text}: the subject is PREFIX.NODE.VM, ${EXAMPLE}`)
  if (tokens.slice(0, -2).includes('*')) throw new Error(`${text}: only NODE and VM can be *`)
  return { kind: 'nats', name: text, servers, tls: scheme === 'tls', stream, subject }
}

/** `node7` of `fleet.node7.vm1`. */
export function nodeOf(subject: string): string {
  return subject.split('.').at(-2) ?? ''
}

/** `fleet` of `fleet.node7.vm1`. */
export function prefixOf(subject: string): string {
  return subject.split('.').slice(0, -2).join('.')
}
