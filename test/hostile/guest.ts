/**
 * The malicious guest as a program: writes attacks to a port, one after another, whatever the host does.
 *
 *     node guest.mjs /dev/virtio-ports/NAME [ATTACK...]
 *
 * A port cannot be hung up from within: where an attack would break off, it is closed and opened again.
 */
import { closeSync, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { attacks } from './attacks.js'
import { CUT } from './pieces.js'

const [port = '', ...names] = process.argv.slice(2)
let fd = openSync(port, 'w')

function put(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, Math.min(32768, bytes.length - at))
}

for (const name of names.length > 0 ? names : Object.keys(attacks)) {
  const attack = attacks[name]
  if (!attack) throw new Error(`no attack ${name}: ${Object.keys(attacks).join(', ')}`)
  for (const piece of attack.pieces(Number(process.env.SIZE ?? 0.1))) {
    if (typeof piece === 'number') await sleep(piece)
    else if (piece === CUT) {
      closeSync(fd)
      fd = openSync(port, 'w')
    } else put(Buffer.from(piece as Buffer))
  }
  put(Buffer.from('\n'))
}
