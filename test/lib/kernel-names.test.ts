/** Names of what the kernel numbers, against numbers that are in everybody's strace. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemCall } from '../../lib/kernel/system-calls.js'
import { exitReason } from '../../lib/kvm/exit-reasons.js'

test('system calls of x86-64', () => {
  const known = { 0: 'read', 1: 'write', 56: 'clone', 59: 'execve', 202: 'futex', 231: 'exit_group', 257: 'openat' }
  for (const [id, name] of Object.entries({ ...known, 334: 'rseq', 424: 'pidfd_send_signal', 435: 'clone3' }))
    assert.equal(systemCall(Number(id), 'x86_64'), name)
  for (const id of [-1, 335, 423, 600]) assert.equal(systemCall(id, 'x86_64'), undefined)
})

test('system calls of arm64', () => {
  const known = { 56: 'openat', 62: 'lseek', 63: 'read', 64: 'write', 93: 'exit', 98: 'futex', 220: 'clone' }
  for (const [id, name] of Object.entries({ ...known, 221: 'execve', 222: 'mmap', 260: 'wait4', 435: 'clone3' }))
    assert.equal(systemCall(Number(id), 'arm64'), name)
})

test('exit reasons of Intel and AMD', () => {
  const vmx = { 0: 'EXCEPTION_NMI', 1: 'EXTERNAL_INTERRUPT', 10: 'CPUID', 12: 'HLT', 28: 'CR_ACCESS', 32: 'MSR_WRITE' }
  for (const [reason, name] of Object.entries({ ...vmx, 48: 'EPT_VIOLATION', 49: 'EPT_MISCONFIG', 55: 'XSETBV' }))
    assert.equal(exitReason(Number(reason), 1), name)
  const svm = { 96: 'interrupt', 100: 'vintr', 114: 'cpuid', 120: 'hlt', 123: 'io', 124: 'msr', 1024: 'npf' }
  for (const [reason, name] of Object.entries(svm)) assert.equal(exitReason(Number(reason), 2), name)
  assert.equal(exitReason(2 ** 31 + 48, 1), 'EPT_VIOLATION')
  assert.equal(exitReason(11, 1), undefined)
  assert.equal(exitReason(12, 0), undefined)
})
