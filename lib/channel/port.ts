/**
 * A virtio-serial port, as a VM is told to have it: its name in the guest, and the socket that is its end on
 * the host. Name and path go into XML, into QEMU's options and into a shell, so they are kept to characters
 * that mean nothing in any of the three; only a comma has to be written twice for QEMU (qemu-options.hx,
 * "-chardev").
 */

export interface Port {
  /** /dev/virtio-ports/<name> in the guest. */
  name: string
  end: Tcp | Unix
}

export interface Tcp {
  kind: 'tcp'
  host: string
  port: string
}

export interface Unix {
  kind: 'unix'
  path: string
}

const LOOPBACK = '127.0.0.1'

/** struct sockaddr_un (unix(7)): 108 bytes, the last of them 0. */
const PATH_MAX = 107

/** `tcp:9900` (on loopback), `tcp:192.0.2.1:9900`, `tcp:[::1]:9900`, `unix:/run/vm1.sock`. Throws an Error that says what is wrong. */
export function parseEnd(text: string): Tcp | Unix {
  if (text.startsWith('unix:')) return unix(text.slice('unix:'.length))
  const [, bracketed, plain, port = ''] = /^tcp:(?:(?:\[([\da-fA-F:.]+)\]|([\w.-]+)):)?(\d{1,5})$/.exec(text) ?? []
  if (!port) throw new Error(`${JSON.stringify(text)} is neither tcp:PORT, tcp:ADDRESS:PORT nor unix:PATH`)
  if (Number(port) < 1 || Number(port) > 65535) throw new Error(`${port} is no TCP port: 1 to 65535`)
  return { kind: 'tcp', host: bracketed ?? plain ?? LOOPBACK, port: String(Number(port)) }
}

function unix(path: string): Unix {
  if (!path.startsWith('/'))
    throw new Error(`${JSON.stringify(path)} does not begin with /: a VM has a folder of its own`)
  const [strange] = /[^\p{L}\p{N}/._,:=@%+-]/u.exec(path) ?? []
  if (strange) throw new Error(`a path with ${JSON.stringify(strange)} is safe in no command line; take another`)
  if (Buffer.byteLength(path) > PATH_MAX) throw new Error(`the path of a unix socket has at most ${PATH_MAX} bytes`)
  return { kind: 'unix', path }
}

/** A name that is a file's name in the guest and an id in QEMU. */
export function parseName(text: string): string {
  if (!/^[A-Za-z][\w.-]{0,62}$/.test(text))
    throw new Error(
      `${JSON.stringify(text)} is no port's name: a letter, then letters, digits, '.', '_', '-'; 63 at most`,
    )
  if (text.startsWith('org.qemu.guest_agent.')) throw new Error(`${text} is the guest agent's own port`)
  return text
}

/** What pull reads: the host's end as one word. */
export function address({ end }: Port): string {
  if (end.kind === 'unix') return `unix:${end.path}`
  return `${end.host.includes(':') ? `[${end.host}]` : end.host}:${end.port}`
}

/** The device as libvirt has it (formatdomain, "Channel"). */
export function libvirtXml({ name, end }: Port): string {
  const source =
    end.kind === 'unix'
      ? [`  <source mode='bind' path='${end.path}'/>`]
      : [`  <source mode='bind' host='${end.host}' service='${end.port}'/>`, "  <protocol type='raw'/>"]
  return [`<channel type='${end.kind}'>`, ...source, `  <target type='virtio' name='${name}'/>`, '</channel>'].join(
    '\n',
  )
}

/** QEMU's options: a bus of its own, the socket, the port on that bus. The VM does not wait for a reader. */
export function qemuOptions({ name, end }: Port): string[] {
  const where = end.kind === 'unix' ? `path=${comma(end.path)}` : `host=${end.host},port=${end.port}`
  return [
    `-device virtio-serial-pci,id=bus-${name}`,
    `-chardev socket,id=${name},${where},server=on,wait=off`,
    `-device virtserialport,bus=bus-${name}.0,chardev=${name},name=${name}`,
  ]
}

function comma(value: string): string {
  return value.replaceAll(',', ',,')
}

/** A script for the guest (POSIX sh; busybox has all of it) that says whether the port can be used, and if not why. */
export function guestCheck({ name }: Port): string {
  return `name=${name}
[ -d /sys/module/virtio_console ] || { echo "no driver: modprobe virtio_console"; exit 1; }
port=
for file in /sys/class/virtio-ports/*/name; do
  [ "$(cat "$file" 2>/dev/null)" = "$name" ] && port=$(basename "\${file%/name}")
done
[ "$port" ] || { echo "no port $name: the VM does not have it"; exit 1; }
[ -c "/dev/$port" ] || { echo "no /dev/$port: is devtmpfs mounted?"; exit 1; }
[ -e "/dev/virtio-ports/$name" ] || { echo "no link (udev makes it): mkdir -p /dev/virtio-ports && ln -s ../$port /dev/virtio-ports/$name"; exit 1; }
for fd in /proc/[0-9]*/fd/*; do
  [ "$(readlink "$fd" 2>/dev/null)" = "/dev/$port" ] || continue
  pid=\${fd#/proc/}
  echo "process \${pid%%/*} has it open, and one at a time can"
  exit 1
done
echo "ready: /dev/virtio-ports/$name ($port)"`
}
