/** A network of its own for processes that are to be cut off: a namespace (ip-netns(8)) behind a pair of interfaces. */
import { spawnSync } from 'node:child_process'

export interface Network {
  /** This machine, as seen from there. */
  readonly address: string
  /** Runs a command there. */
  readonly within: string[]
  cut(): void
  mend(): void
  remove(): void
}

/** Null where this machine does not permit it. */
export function network(): Network | null {
  const id = process.pid % 10_000
  const name = `vmpipe-${id}`
  const [here, there] = [`vmp${id}a`, `vmp${id}b`]
  const net = `10.219.${id % 250}`
  const ip = (...args: string[]) => spawnSync('ip', args, { encoding: 'utf8' }).status === 0

  const remove = () => {
    ip('link', 'delete', here)
    ip('netns', 'delete', name)
  }
  const made =
    ip('netns', 'add', name) &&
    ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there, 'netns', name) &&
    ip('address', 'add', `${net}.1/30`, 'dev', here) &&
    ip('link', 'set', here, 'up') &&
    ip('-n', name, 'address', 'add', `${net}.2/30`, 'dev', there) &&
    ip('-n', name, 'link', 'set', there, 'up')
  if (!made) {
    remove()
    return null
  }
  return {
    address: `${net}.1`,
    within: ['ip', 'netns', 'exec', name],
    cut: () => ip('link', 'set', here, 'down'),
    mend: () => ip('link', 'set', here, 'up'),
    remove,
  }
}
