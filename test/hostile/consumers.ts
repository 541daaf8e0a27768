/** Whatever may stand behind pull, as a user runs it on a stream: `%` is its file. */
export const records = [
  'where 1 %',
  'key-map -k a:start=key+1 --vm vm1=7 %',
  'tsc-align --check a:start a:end -- %',
  'tsc-align --estimate --tsc-khz 2445430 %',
  'pair a:start a:end -- %',
  'pair a:start a:end --than 1us --detail 1ms,1ms -- %',
  'pair sched_switch sched_switch --by args.prev_comm -- %',
  'chain a:start[key] [key]a:end -- %',
  'histo --json --by key,start %',
  'task-state %',
  'order % %',
]

/** These print for people, or write a format of somebody else's. */
export const printed = [
  'histo --keys --bars --percentiles %',
  'histo --timeline 1s %',
  'histo --merge --worst p99 --top 10 %',
  'histo --style perf-prof -i 1ms --by start_pid %',
  'stages %',
  'stages --svg %',
  'show --ns --sources %',
  'graph %',
  'graph --as speedscope %',
  'irq-off %',
  'vcpu-delay --vcpu-thread 7=0 %',
  'io-path --table %',
  'report %',
  'export perfetto %',
  'export openmetrics %',
  'export hgrm %',
  'export hlog %',
  'export folded %',
  'irq-map --learn %',
  'parse %',
]
