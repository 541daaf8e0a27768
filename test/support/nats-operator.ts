/**
 * Users of NATS by signed tokens, without its tools: an operator, an account of it and a user of that (JWT, version 2,
 * as nats-server's documentation of decentralised authentication describes them).
 */
import { nkeys } from '@nats-io/transport-node'

type Key = ReturnType<typeof nkeys.createOperator>

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

function token(by: Key, of: Key, name: string, nats: object): string {
  const claims = {
    jti: name,
    iat: Math.floor(Date.now() / 1000),
    iss: by.getPublicKey(),
    name,
    sub: of.getPublicKey(),
    nats,
  }
  const text = `${base64({ typ: 'JWT', alg: 'ed25519-nkey' })}.${base64(claims)}`
  return `${text}.${Buffer.from(by.sign(Buffer.from(text))).toString('base64url')}`
}

const UNLIMITED = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 }
const DISK = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 }

/** The server's configuration, and a user's creds file. */
export function operated(): { config: string; creds: string } {
  const operator = nkeys.createOperator()
  const [system, account] = [nkeys.createAccount(), nkeys.createAccount()]
  const user = nkeys.createUser()
  const accounts = [
    `${system.getPublicKey()}: ${token(operator, system, 'SYS', { type: 'account', version: 2, limits: UNLIMITED })}`,
    `${account.getPublicKey()}: ${token(operator, account, 'A', { type: 'account', version: 2, limits: { ...UNLIMITED, ...DISK } })}`,
  ]
  const config = [
    `operator: ${token(operator, operator, 'O', { type: 'operator', version: 2 })}`,
    `system_account: ${system.getPublicKey()}`,
    'resolver: MEMORY',
    `resolver_preload: {\n${accounts.join('\n')}\n}`,
  ]
  const jwt = token(account, user, 'U', { type: 'user', version: 2, pub: {}, sub: {}, subs: -1, data: -1, payload: -1 })
  const creds = [
    `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n`,
    `-----BEGIN USER NKEY SEED-----\n${textOf(user.getSeed())}\n------END USER NKEY SEED------\n`,
  ]
  return { config: `${config.join('\n')}\n`, creds: creds.join('\n') }
}

/** The same with a user's key alone, in a list of the server. */
export function keyed(): { config: string; seed: string } {
  const user = nkeys.createUser()
  return {
    config: `authorization: { users: [ { nkey: ${user.getPublicKey()} } ] }\n`,
    seed: `${textOf(user.getSeed())}\n`,
  }
}
