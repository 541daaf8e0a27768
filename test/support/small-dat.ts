/** A small trace.dat of version 6 with everything that one may have, of formats and pages in test/data/ring. */
import { cut, fixture, unzipped } from './pages.js'

const PAGE = 4096

function u16(n: number): Buffer {
  const made = Buffer.alloc(2)
  made.writeUInt16LE(n)
  return made
}

function u32(n: number): Buffer {
  const made = Buffer.alloc(4)
  made.writeUInt32LE(n)
  return made
}

function u64(n: number): Buffer {
  const made = Buffer.alloc(8)
  made.writeBigUInt64LE(BigInt(n))
  return made
}

const text = (value: string) => Buffer.from(`${value}\0`, 'latin1')
const sized = (value: string) => [u64(value.length), Buffer.from(value, 'latin1')]
const counted = (value: string) => [u32(value.length), Buffer.from(value, 'latin1')]

const headerPage = [
  '\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;',
  '\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;',
  '\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;',
  '\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n',
].join('\n')

/** (trace-cmd.dat.v6(5)) */
export function smallDat(): Buffer {
  const sections = fixture('formats.txt').toString().split(/^== /m).slice(1)
  const events = sections.filter((section) => /^name: (sched_switch|sched_waking|kvm_exit|kvm_entry)$/m.test(section))
  const head = Buffer.concat([
    Buffer.from('\x17\x08Dtracing', 'latin1'),
    text('6'),
    Buffer.of(0, 8),
    u32(PAGE),
    ...[text('header_page'), ...sized(headerPage), text('header_event'), ...sized('# compressed entry header\n')],
    u32(0),
    u32(events.length),
    ...events.flatMap((section) => [
      text(section.split('\n', 1)[0] as string),
      u32(1),
      ...sized(section.slice(section.indexOf('\n') + 1)),
    ]),
    ...counted('ffffffff81000000 T _stext\nffffffff81000010 t f\t[kvm]\n'),
    ...counted('0xffffffff81000020 : "text %d\\n"\n'),
    ...sized('162 CPU 0/KVM\n159 vhost-152\n'),
    u32(2),
    text('options  '),
    ...option(2, 'local'),
    ...option(5, '0x10'),
    ...option(13, 'Linux host 6.1.0 x86_64'),
    u16(0),
    text('flyrecord'),
  ])
  const at = Math.ceil((head.length + 32) / PAGE) * PAGE
  const places = Buffer.concat([u64(at), u64(PAGE), u64(at + PAGE), u64(PAGE)])
  const pages = ['cpu0.raw.gz', 'cpu1.raw.gz'].map((name) => cut(unzipped(name))[0] as Buffer)
  return Buffer.concat([head, places, Buffer.alloc(at - head.length - places.length), ...pages])
}

function option(id: number, value: string): Buffer[] {
  return [u16(id), u32(value.length + 1), text(value)]
}
