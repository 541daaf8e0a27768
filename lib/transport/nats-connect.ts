/**
 * A connection to NATS, and what goes wrong with one, in a line.
 *
 * Who we are comes from the variables that NATS's own command reads, never from the command line: NATS_CREDS (a
 * creds file), NATS_NKEY (a file with a seed), NATS_USER and NATS_PASSWORD, NATS_TOKEN; NATS_CA, NATS_CERT and
 * NATS_KEY name files for TLS.
 */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { systemMessage } from '../wire/system-message.js'
import { TransportError } from './failure.js'
import type { NatsTarget } from './nats-address.js'
import type * as Client from './nats-client.js'

export type { Client }

export interface Nats {
  client: typeof Client
  connection: Client.NatsConnection
}

const RECONNECT_MS = 500
const PING_MS = 2000

/** Throws a TransportError; one that may pass has a `code`, the system's or EAGAIN. */
export async function connectNats(target: NatsTarget, tool: string): Promise<Nats> {
  const client = await import('./nats-client.js')
  try {
    const connection = await client.connect({
      servers: target.servers.map((server) => (target.tls ? `tls://${server}` : server)),
      name: tool,
      ...identity(client, process.env),
      ...encryption(target, process.env),
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      reconnectJitter: RECONNECT_MS / 2,
      timeout: 5000,
      // a network that is cut says nothing: this is how it is noticed
      pingInterval: PING_MS,
      maxPingOut: 2,
    })
    return { client, connection }
  } catch (error) {
    throw natsError(target, error)
  }
}

function identity(client: typeof Client, env: NodeJS.ProcessEnv) {
  const { NATS_CREDS, NATS_NKEY } = env
  const bytes = (text: string | undefined) => new TextEncoder().encode(text)
  if (NATS_CREDS) {
    const creds = bytes(read('NATS_CREDS', NATS_CREDS))
    return signed(() => client.credsAuthenticator(creds), `NATS_CREDS: ${NATS_CREDS}: is no creds file`)
  }
  if (NATS_NKEY) {
    const seed = bytes(read('NATS_NKEY', NATS_NKEY)?.trim())
    return signed(() => client.nkeyAuthenticator(seed), `NATS_NKEY: ${NATS_NKEY}: is no seed of a user`)
  }
  if (env.NATS_TOKEN) return { token: env.NATS_TOKEN }
  return env.NATS_USER ? { user: env.NATS_USER, pass: env.NATS_PASSWORD ?? '' } : {}
}

/** What is in the file is looked at when something is to be signed: that is tried here. */
function signed(make: () => Client.Authenticator, wrong: string): { authenticator: Client.Authenticator } {
  try {
    const authenticator = make()
    authenticator('nonce')
    return { authenticator }
  } catch {
    throw new TransportError(wrong)
  }
}

/** `tls: …` insists on it; without, a server that wants it gets it. */
function encryption(target: NatsTarget, { NATS_CA, NATS_CERT, NATS_KEY }: NodeJS.ProcessEnv) {
  const files = { ca: read('NATS_CA', NATS_CA), cert: read('NATS_CERT', NATS_CERT), key: read('NATS_KEY', NATS_KEY) }
  const given: { ca?: string; cert?: string; key?: string } = Object.fromEntries(
    Object.entries(files).filter(([, text]) => text !== undefined),
  )
  if (!target.tls && Object.keys(given).length === 0) return {}
  return { tls: { ...given, checkServerIdentity: identityOf(target) } }
}

/** The client asks Node for `localhost` where the address has no name: it is to be one of those that were given. */
function identityOf({ servers }: NatsTarget): typeof checkServerIdentity {
  const hosts = servers.map((server) => server.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''))
  return (name, certificate) => {
    const names = isIP(hosts[0] as string) === 0 ? [name, ...hosts] : hosts
    const wrong = names.map((host) => checkServerIdentity(host, certificate))
    return wrong.includes(undefined) ? undefined : wrong[0]
  }
}

function read(variable: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new TransportError(`${variable}: ${path}: ${systemMessage(error)}`)
  }
}

/** JSInsufficientResources: the server's own limits. */
export const NO_ROOM = 10023
/** JSStreamStoreFailed: `maximum bytes exceeded`, `maximum messages exceeded`, or what the disk said. */
export const STORE_FAILED = 10077
/** JSClusterNoPeers */
const NO_PEERS = 10005
const FULL_DISK = "the server has no room left: its disk is full, or JetStream's share of it"

const REASONS: Record<string, string> = {
  'Authorization Violation': 'the server does not know this user or password (NATS_CREDS, NATS_NKEY, NATS_USER)',
  'connection refused': 'nobody listens there',
  'jetstream is not enabled': 'the server has no JetStream, or has turned it off; nats-server -js',
  'stream not found': 'there is no such stream; push --create makes it',
  timeout: 'no answer',
  "server does not support 'tls'": 'the server does not encrypt',
  'insufficient resources': FULL_DISK,
  'insufficient storage resources available': FULL_DISK,
}

/** OpenSSL's codes (verify(1)), as Node spells them. */
function certificateReason(code: string): string | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return "the server's certificate is one for another server"
  if (code === 'CERT_HAS_EXPIRED') return "the server's certificate has expired"
  return /CERT|SIGNATURE|ISSUER/.test(code)
    ? "the server's certificate is signed by nobody that is known here (NATS_CA)"
    : undefined
}

/** One line. What comes from the system keeps its code, so that who waits knows it may pass. */
export function natsError(target: NatsTarget, error: unknown): Error {
  if (error instanceof TransportError) return error
  const { message, code, cause } = error as NodeJS.ErrnoException
  const from = (cause as NodeJS.ErrnoException | undefined)?.code ?? code
  const known = REASONS[message] ?? (typeof from === 'string' ? certificateReason(from) : undefined)
  const reason = known ?? (typeof from === 'string' ? systemMessage({ code: from, message }) : message)
  const line = new TransportError(`${target.name}: ${reason}`)
  if (typeof from === 'string' && /^E[A-Z0-9]+$/.test(from)) return Object.assign(line, { code: from })
  return isUnready(error as Refusal) ? Object.assign(line, { code: 'EAGAIN' }) : line
}

type Refusal = Error & { code?: number; status?: number }

/** A server that begins, a cluster that has no leader, or not yet all its servers. */
function isUnready({ name, message, status = 0, code = 0 }: Refusal): boolean {
  if (name === 'JetStreamNotEnabled' || message === 'timeout') return true
  return code === NO_PEERS || (status >= 500 && code !== NO_ROOM && code !== STORE_FAILED)
}
