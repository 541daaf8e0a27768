/**
 * A capture for a guest in which nothing is installed: a POSIX shell script (busybox suffices) that makes an
 * instance of tracefs, streams its text (trace_pipe) to a port in rounds, and removes the instance at its end.
 *
 * A round must read what there is and not wait for more: an idle guest that traces its own scheduler would make new
 * events by each line it sends. Where dd can read without waiting, it does; else a mark is written to trace_marker,
 * and the round ends where it comes out. Between the lines stand comments that tell how many lines were sent, by
 * which pull(1) knows what the port has swallowed:
 *
 *     # vmpipe stream version=1 session=… clock=x86-tsc hostname=… kernel=…
 *     # vmpipe clock session=… sent=1234
 *     # vmpipe end session=… sent=1300
 */
import type { Request } from './setup.js'

export interface ScriptOptions {
  /** Where the text goes: a port's path, or `-`. */
  target: string
  /** ms between rounds. */
  interval: number
  /** ms; undefined: until it is ended. */
  duration: number | undefined
}

/** What a script cannot do, or undefined. */
export function notInScript({ graph, stack, probes }: Request): string | undefined {
  if (graph.length > 0) return '-g: only a capture that reads in binary has it'
  if (stack) return '--stack: only a capture that reads in binary has it'
  if (probes.some((probe) => /^\s*(\w+=)?\/.*:(?!0x)/.test(probe)))
    return '-p /PATH:SYMBOL: the script cannot look symbols up; /PATH:0xOFFSET it can'
  return undefined
}

export function captureScript(request: Request, { target, interval, duration }: ScriptOptions): string {
  const { events, probes, functions, clock, bufferKib, cpus, pids } = request
  const seconds = (ms: number) => String(Math.max(ms, 10) / 1000)
  return [
    '#!/bin/sh',
    '# Made by capture-guest --script. Traces this machine and sends ftrace text; needs root, sh and awk (busybox has both).',
    ...head,
    `port=${quoted(target)}`,
    `interval=${seconds(interval)}`,
    ...instance,
    `put buffer_size_kb ${bufferKib}`,
    clock === undefined ? 'clock=$(trace_clock x86-tsc || trace_clock mono)' : `clock=$(trace_clock ${quoted(clock)})`,
    '[ "$clock" ] || fail "this kernel has not that clock: $(cat "$I/trace_clock")"',
    ...(cpus ? [`put tracing_cpumask ${cpus.reduce((mask, cpu) => mask | (1n << BigInt(cpu)), 0n).toString(16)}`] : []),
    ...(pids ? [`put set_event_pid ${quoted(pids.join(' '))}`] : []),
    ...events.map(({ system, name, filter }) =>
      ['event', system, name, ...(filter === undefined ? [] : [filter])].map(quoted).join(' '),
    ),
    ...probes.map((probe, i) => `probe ${quoted(probeLine(probe, i))}`),
    ...(functions.length > 0
      ? [`put set_ftrace_filter ${quoted(functions.join(' '))}`, 'put current_tracer function']
      : []),
    ...run,
    ...(duration === undefined ? [] : [`(sleep ${seconds(duration)}; kill -USR1 $$) >/dev/null 2>&1 & timer=$!`]),
    ...end,
    '',
  ].join('\n')
}

/** A word of the shell. */
function quoted(text: string): string {
  return /^[\w./:,+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** `p:NAME PLACE ARGS`, its group left to the script. */
function probeLine(probe: string, index: number): string {
  const [, given, target = '', args = ''] = /^\s*(?:(\w+)=)?(\S+)\s*(.*)$/.exec(probe) ?? []
  const isReturn = target.endsWith('%return')
  const place = target.replace(/%return$/, '')
  const name =
    (given ??
      place
        .replace(/^.*[:/]/, '')
        .replace(/\W/g, '_')
        .replace(/^(?=\d)/, '_')) ||
    `probe_${index}`
  return `${isReturn ? 'r' : 'p'} ${name}${isReturn && !given ? '__return' : ''} ${place} ${args}`.trim()
}

const head = `
fail() { echo "capture: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail 'tracing needs root'
T=/sys/kernel/tracing
[ -e $T/trace ] || mount -t tracefs nodev $T 2>/dev/null
[ -e $T/trace ] || T=/sys/kernel/debug/tracing
[ -e $T/trace ] || fail 'no tracefs: mount -t tracefs nodev /sys/kernel/tracing'
[ -d $T/instances ] || fail 'this kernel has no tracing instances'
born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }`.split('\n')

const instance = `
# what a killed run left behind
for old in "$T"/instances/vmpipe-*-*; do
  [ -d "$old" ] || continue
  id=\${old##*/vmpipe-}; [ "$(born "\${id%-*}")" = "\${id#*-}" ] || rmdir "$old" 2>/dev/null
done
for old in $(sed -n 's,^[pr][0-9]*:\\(vmpipe_[0-9]*_[0-9]*/[^ ]*\\).*,\\1,p' $T/kprobe_events $T/uprobe_events 2>/dev/null); do
  id=\${old#vmpipe_}; id=\${id%%/*}
  [ "$(born "\${id%_*}")" = "\${id#*_}" ] || for f in kprobe uprobe; do echo "-:$old" >>$T/\${f}_events; done 2>/dev/null
done

I=$T/instances/vmpipe-$$-$(born $$) group=vmpipe_$$_$(born $$) probes= timer= reader=
mkdir "$I" || fail 'no tracing instance can be made'
undo() {
  trap '' INT TERM HUP USR1
  if [ "$reader" ]; then
    # it ends by itself when tracing is off, but not while it waits for the port
    echo 0 >"$I/tracing_on"
    for wait in 1 2 3 4 5 6 7 8 9 10; do kill -0 $reader 2>/dev/null || break; sleep 0.1 2>/dev/null || sleep 1; done
    kill -9 $reader 2>/dev/null; wait $reader 2>/dev/null
  fi
  [ "$timer" ] && kill $timer 2>/dev/null
  rmdir "$I" 2>/dev/null || { sleep 1; rmdir "$I"; }
  for p in $probes; do echo "-:$group/\${p#*:}" >>"$T/\${p%%:*}"; done
}
trap undo EXIT
trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM; trap 'exit 0' USR1

put() { echo "$2" 2>/dev/null >"$I/$1" || fail "$1: the kernel refuses $2"; }
trace_clock() { grep -qw -e "$1" "$I/trace_clock" && echo "$1" 2>/dev/null >"$I/trace_clock" && echo "$1"; }
event() {
  found=
  for e in "$I"/events/$1/$2; do
    [ -e "$e/enable" ] && [ "$e" != "$I/events/ftrace/$2" ] || continue
    found=1 name=\${e#"$I/events/"}
    if [ $# -gt 2 ]; then
      echo "$3" 2>/dev/null >"$e/filter" || fail "$name: filter $3: $(sed -n 's/^parse_error: //p' "$e/filter")"
    fi
    echo 1 >"$e/enable" || fail "$name: the kernel refuses it"
  done
  [ "$found" ] || fail "no event $1:$2"
}
probe() {
  set -- $1
  kind=$1 name=$2; shift 2
  case $1 in /*) file=uprobe_events ;; *) file=kprobe_events ;; esac
  [ -e $T/$file ] || fail "this kernel has no \${file%_events}s"
  echo "$kind:$group/$name $*" 2>/dev/null >>$T/$file || fail "-p $*: $(grep 'error:' $T/error_log 2>/dev/null | tail -n 1)"
  probes="$probes $file:$name"
  echo 1 >"$I/events/$group/$name/enable" || fail "-p $*: the kernel refuses it"
}
put tracing_on 0`.split('\n')

const run = String.raw`
# its own threads, and what it starts, are left out
[ -e "$I/options/event-fork" ] && echo 1 >"$I/options/event-fork"
# mawk reads files in full blocks only, and so would wait; busybox does not
awk=awk; busybox awk 1 </dev/null 2>/dev/null && awk='busybox awk'
drain=; dd if=/dev/null iflag=nonblock 2>/dev/null && drain="dd if=$I/trace_pipe bs=65536 iflag=nonblock 2>/dev/null"
session=$(cat /proc/sys/kernel/random/uuid)
if [ "$port" = - ]; then exec 9>&1; else
  [ -e "$port" ] || fail "$port: no such port"
  (: >"$port") 2>/dev/null || fail "$port: busy, or not to be written to"
  exec 9>"$port"
fi
round='
function take(line) {
  if (index(line, "tracing_mark_write: vmpipe tick ")) return line ~ ("tick " tick "$")
  print line
  sent++
  return 0
}
BEGIN {
  printf "# vmpipe stream version=1 session=%s clock=%s hostname=%s kernel=%s\n", session, clock, host, kernel
  pipe = dir "/trace_pipe"
  marker = dir "/trace_marker"
  state = dir "/tracing_on"
  do {
    getline on < state
    close(state)
    if (drain != "") {
      while ((drain | getline line) > 0) take(line)
      close(drain)
    } else {
      if (on) { print "vmpipe tick " ++tick > marker; close(marker) }
      while ((getline line < pipe) > 0) if (take(line)) break
    }
    printf "# vmpipe clock session=%s sent=%d\n", session, sent
    fflush()
    if (on) system("sleep " interval)
  } while (on)
  printf "# vmpipe end session=%s sent=%d\n", session, sent
  printf "capture: %d lines sent\n", sent >"/dev/stderr"
}'
# a signal for all of us ends the shell, which lets the reader finish
sh -c 'trap "" INT TERM HUP; echo $$ >"$1/set_event_notrace_pid" 2>/dev/null; echo 1 >"$1/tracing_on"
  awk=$2; shift 2; exec $awk "$@"' sh "$I" "$awk" \
  -v dir="$I" -v session="$session" -v clock="$clock" -v host="$(uname -n)" -v kernel="$(uname -r)" \
  -v interval="$interval" -v drain="$drain" "$round" >&9 9>&- &
reader=$!`.split('\n')

const end = `
wait $reader; status=$?
reader=
[ $status = 0 ] || fail "the port was closed"`.split('\n')
