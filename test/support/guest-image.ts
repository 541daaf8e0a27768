/**
 * The guest's kernel and initramfs, of Debian's packages, without installing them: `apt-get download` and
 * `dpkg-deb -x` into dist/guest. An initramfs may be several cpio archives one after another, so it is made
 * of layers (busybox with the modules; Node; the guest agent; the tools), each made once for its content.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'

export interface Contents {
  /** Node and the tools of dist/bin. */
  node?: boolean
  /** Debian's qemu-guest-agent. */
  agent?: boolean
  /** A KVM host: KVM, QEMU and bash, and in /guest the kernel and initramfs of a guest with Node for it to run. */
  kvm?: boolean
}

export interface Image {
  kernel: string
  /** Layers, to be put one after another. */
  layers: string[]
}

const cache = resolve('dist/guest')
const own = resolve('test/support/guest')

/** The drivers of what `bootGuest` plugs in; what they need comes along. */
const modules = ['virtio_pci', 'virtio_net', 'virtio_blk', 'virtio_console']
/** QEMU's processors that can be KVM hosts without KVM are AMD's. */
const kvmModules = ['kvm_amd', 'vhost_net', 'tun']
const firmware = ['bios-256k.bin', 'kvmvapic.bin', 'linuxboot_dma.bin']

export function guestImage({ node, agent, kvm }: Contents): Image {
  const kernel = kernelPackage()
  const version = readdirSync(join(kernel, 'lib/modules'))[0] as string
  const drivers = join(kernel, 'lib/modules', version)
  const busybox = join(unpacked('busybox-static'), 'bin/busybox')
  const layers = [layer('base', [kernel, busybox, ...sources(own)], (root) => base(root, busybox, drivers))]
  if (node) layers.push(program('node', process.execPath, '/usr/bin/node'), tools(busybox))
  if (agent) layers.push(program('agent', join(unpacked('qemu-guest-agent'), 'usr/sbin/qemu-ga'), '/usr/sbin/qemu-ga'))
  if (kvm) layers.push(kvmHost(), inner(guestImage({ node: true }), busybox))
  return { kernel: join(kernel, `boot/vmlinuz-${version}`), layers }

  function program(name: string, file: string, place: string): string {
    return layer(name, identity(file), (root) => withLibraries(root, file, place))
  }

  function kvmHost(): string {
    const programs = ['qemu-system-x86_64', 'bash'].map((name) => run('which', [name]).trim())
    return layer('kvm', [kernel, ...programs.flatMap(identity)], (root) => {
      addModules(root, 'order.kvm', drivers, busybox, kvmModules)
      for (const file of programs) withLibraries(root, file, file)
      for (const name of firmware) place(firmwareFile(name), join(root, 'usr/share/qemu', name))
    })
  }

  function layer(name: string, content: (string | Buffer)[], fill: (root: string) => void): string {
    return archived(busybox, name, content, fill)
  }
}

/** An upgrade changes it. */
function identity(file: string): string[] {
  const { size, mtimeMs } = statSync(file)
  return [file, String(size), String(mtimeMs)]
}

function firmwareFile(name: string): string {
  const found = ['/usr/share/seabios', '/usr/share/qemu'].map((folder) => join(folder, name)).find(existsSync)
  if (!found) throw new Error(`${name}, which QEMU needs, is neither in /usr/share/seabios nor in /usr/share/qemu`)
  return found
}

function base(root: string, busybox: string, drivers: string): void {
  place(busybox, join(root, 'bin/busybox'))
  cpSync(own, join(root, 'bin'), { recursive: true })
  renameSync(join(root, 'bin/init'), join(root, 'init'))
  mkdirSync(join(root, 'usr/bin'), { recursive: true })
  place(busybox, join(root, 'usr/bin/env'))
  addModules(root, 'order', drivers, busybox, modules)
}

/** Modules for init to load, and the file that says in which order. */
function addModules(root: string, order: string, drivers: string, busybox: string, wanted: readonly string[]): void {
  const names = moduleOrder(drivers, busybox, wanted)
  for (const name of names) place(join(drivers, name), join(root, 'lib/modules', basename(name)))
  writeFileSync(join(root, 'lib/modules', order), names.map((name) => `/lib/modules/${basename(name)}\n`).join(''))
}

/** The wanted modules, each after those it needs: depmod says of each module what it needs, the nearest first. */
function moduleOrder(folder: string, busybox: string, wanted: readonly string[]): string[] {
  if (!existsSync(join(folder, 'modules.dep')))
    execFileSync(busybox, ['depmod', '-b', resolve(folder, '../../..'), basename(folder)])
  const lines = readFileSync(join(folder, 'modules.dep'), 'utf8').split('\n')
  const needed = lines.map((line) => line.split(/[: ]+/).filter((name) => name !== ''))
  return [...new Set(wanted.flatMap((name) => order(name)))]

  function order(name: string): string[] {
    const [file, ...needs] = needed.find(([file]) => file && moduleName(file) === name) ?? []
    return file ? [...needs.flatMap((need) => order(moduleName(need))), file] : []
  }
}

function moduleName(file: string): string {
  return basename(file, '.ko').replaceAll('-', '_')
}

/** A program of this machine with the shared libraries that it needs, at their own paths. */
function withLibraries(root: string, program: string, where: string): void {
  place(program, join(root, where))
  const needs = execFileSync('ldd', [program], { encoding: 'utf8' })
  for (const [library] of needs.matchAll(/\/\S+/g)) place(library, join(root, library))
}

/** An image as files of another one: what a KVM host starts its guest with. */
function inner(image: Image, busybox: string): string {
  return archived(busybox, 'inner', [image.kernel, ...image.layers], (root) => {
    place(image.kernel, join(root, 'guest/kernel'))
    writeInitramfs(image, join(root, 'guest/initramfs'))
  })
}

/** The tools, as they are installed. */
function tools(busybox: string): string {
  const files = ['package.json', ...list('dist/bin', 'bin'), ...list('dist/lib', 'lib')]
  const contents = files.map((file) => readFileSync(join('dist', file)))
  return archived(busybox, 'tools', contents, (root) => {
    for (const file of files) place(join('dist', file), join(root, 'opt/vmpipe', file))
  })

  function list(folder: string, name: string): string[] {
    return readdirSync(folder)
      .filter((file) => !file.endsWith('.map'))
      .map((file) => join(name, file))
  }
}

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to, { dereference: true })
}

/** A cpio archive of what `fill` puts into a folder; of the same content only once. */
function archived(busybox: string, name: string, content: (string | Buffer)[], fill: (root: string) => void): string {
  const hash = createHash('sha256')
  for (const part of content) hash.update(part).update('\0')
  const file = join(cache, `${name}-${hash.digest('hex').slice(0, 16)}.cpio`)
  if (existsSync(file)) return file
  for (const old of readdirSync(cache))
    if (old.startsWith(`${name}-`) && old.endsWith('.cpio')) rmSync(join(cache, old))
  return once(file, (room) => {
    const root = join(room, 'root')
    mkdirSync(root)
    fill(root)
    const archive = join(room, 'cpio')
    execFileSync('sh', ['-c', 'find . | "$0" cpio -o -H newc >"$1" 2>/dev/null', busybox, archive], { cwd: root })
    return archive
  })
}

/** The kernel that linux-image-cloud-amd64 stands for. */
function kernelPackage(): string {
  const told = run('apt-cache', ['depends', 'linux-image-cloud-amd64'])
  const [, name] = /Depends: (linux-image-\S+)/.exec(told) ?? []
  if (!name) throw new Error('apt-cache does not know linux-image-cloud-amd64')
  return unpacked(name)
}

/** apt takes half a second for each answer. */
const folders = new Map<string, string>()

/** A Debian package, in its newest version, as a folder. */
function unpacked(name: string): string {
  const folder = folders.get(name) ?? download(name)
  folders.set(name, folder)
  return folder
}

function download(name: string): string {
  const [, file] = /^'[^']*' (\S+)/m.exec(run('apt-get', ['download', '--print-uris', name])) ?? []
  if (!file) throw new Error(`apt-get finds no package ${name}`)
  mkdirSync(cache, { recursive: true })
  return once(join(cache, basename(file, '.deb')), (room) => {
    // as root, apt downloads as the user _apt, who has to get in
    chmodSync(room, 0o777)
    run('apt-get', ['download', '-q', name], room)
    run('dpkg-deb', ['-x', join(room, file), join(room, 'files')])
    return join(room, 'files')
  })
}

/** What `make` makes in a room of its own, moved to its place at once: whoever sees it sees all of it. */
function once(path: string, make: (room: string) => string): string {
  if (existsSync(path)) return path
  const room = mkdtempSync(join(cache, '.making-'))
  try {
    const made = make(room)
    if (!existsSync(path)) renameSync(made, path)
  } finally {
    rmSync(room, { recursive: true, force: true })
  }
  return path
}

function run(command: string, args: string[], cwd = '.'): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

function sources(folder: string): Buffer[] {
  return readdirSync(folder).flatMap((file) => {
    const path = join(folder, file)
    return [Buffer.from(`${file} ${statSync(path).mode}`), readFileSync(path)]
  })
}

/** Writes the layers as one initramfs. */
export function writeInitramfs({ layers }: Image, path: string): void {
  writeFileSync(path, '')
  for (const file of layers) appendFileSync(path, readFileSync(file))
}
