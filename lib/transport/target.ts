/**
 * Targets: where a stream is pushed to or pulled from. One grammar for both ends.
 *
 *     -                        stdin, stdout
 *     tcp:PORT                 TCP on 127.0.0.1; push listens there, pull connects
 *     tcp:ADDRESS:PORT         the same on another address: tcp:0.0.0.0:9900, tcp:[::1]:9900
 *     HOST:PORT, :PORT         TCP; both connect. :9900 is 127.0.0.1:9900
 *     unix:PATH                a unix socket; push listens there, pull connects
 *     nats://…, tls://…        a stream of NATS JetStream (nats-address.ts)
 *     anything else            a path: a character device, a FIFO, a socket or a file, whichever is there
 *
 * A path with a colon in it is written with a slash: ./trace:1
 */
import { statSync } from 'node:fs'
import { type NatsTarget, parseNats } from './nats-address.js'

export type Target =
  | NatsTarget
  | { kind: 'standard'; name: string }
  | { kind: 'tcp'; name: string; host: string; port: number; listen: boolean }
  | { kind: 'unix'; name: string; path: string }
  | { kind: 'path'; name: string; path: string }

const LOOPBACK = '127.0.0.1'

/** Throws an Error that says what is wrong. */
export function parseTarget(text: string): Target {
  if (text === '') throw new Error('an empty target')
  if (text === '-') return { kind: 'standard', name: '-' }
  const [, scheme, rest] = /^([a-z]+):(.*)$/s.exec(text) ?? []
  if (scheme === 'unix') {
    if (!rest) throw new Error(`${text} names no path; as in unix:/run/guest.sock`)
    // struct sockaddr_un (unix(7)): 108 bytes, the last of them 0
    if (Buffer.byteLength(rest) > 107) throw new Error(`the path of a unix socket has at most 107 bytes: ${rest}`)
    return { kind: 'unix', name: text, path: rest }
  }
  if ((scheme === 'nats' || scheme === 'tls') && rest?.startsWith('//')) return parseNats(text)
  if (scheme === 'tcp') return tcp(text, rest ?? '', true)
  if (text.includes('/') || !text.includes(':')) return { kind: 'path', name: text, path: text }
  return tcp(text, text, false)
}

/** `PORT`, `:PORT`, `HOST:PORT`, `[::1]:PORT`. */
function tcp(name: string, address: string, listen: boolean): Target {
  const [, bracketed, plain, digits] = /^(?:(?:\[([^\]]+)\]|([^:[\]]*)):)?([^:]*)$/.exec(address) ?? []
  if (digits === undefined) throw new Error(`${name} is no target; an IPv6 address is written [::1]:9900`)
  if (!/^\d{1,5}$/.test(digits) || Number(digits) > 65535)
    throw new Error(
      `${name}: ${digits ? `${JSON.stringify(digits)} is no port` : 'the port is missing'}; as in tcp:9900`,
    )
  const host = bracketed ?? (plain || LOOPBACK)
  return {
    kind: 'tcp',
    name: listen ? name : `${host.includes(':') ? `[${host}]` : host}:${digits}`,
    host,
    port: Number(digits),
    listen,
  }
}

export type PathKind = 'device' | 'fifo' | 'socket' | 'file' | 'absent'

/** What is at a path; a directory counts as a file, opening it says what is wrong. */
export function kindOf(path: string): PathKind {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return 'absent'
  if (stat.isCharacterDevice()) return 'device'
  if (stat.isFIFO()) return 'fifo'
  return stat.isSocket() ? 'socket' : 'file'
}
