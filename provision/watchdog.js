/**
 * The process that outlives a `kill -9` of its parent for as long as it takes to clean up. It reads
 * which processes to watch from its standard input, one JSON line each: {"guard":{pid,signal,graceMs}}
 * or {"release":pid}. The end of that input means that the parent is gone, however it went; then
 * everything still guarded gets its polite signal, after its grace SIGKILL for the whole group.
 *
 * Plain JavaScript without a dependency, because it must be up before anything else is and should
 * cost little memory. It lives in its own session and ignores the signals that a service manager or
 * a terminal sends to everybody, or it would be gone just when it is needed.
 */
'use strict';

const { readFileSync } = require('node:fs');

/** @type {Map<number, {signal: string, graceMs: number}>} */
const guarded = new Map();
let pending = '';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE']) process.on(signal, () => undefined);

// Tells the parent that no signal can catch it unprepared from here on.
process.stdout.on('error', () => undefined);
process.stdout.write('ready\n');

process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk) => {
  pending += chunk;
  const lines = pending.split('\n');
  pending = lines.pop() ?? '';
  for (const line of lines) {
    const message = JSON.parse(line);
    if (message.guard) guarded.set(message.guard.pid, message.guard);
    if (message.release) guarded.delete(message.release);
  }
});
process.stdin.on('end', () => void cleanUp());
process.stdin.on('error', () => void cleanUp());

async function cleanUp() {
  await Promise.all([...guarded].map(([pid, { signal, graceMs }]) => end(pid, signal, graceMs)));
  process.exit(0);
}

/** The leader is asked politely; SIGKILL goes to its whole group, also when the leader went first. */
async function end(pid, signal, graceMs) {
  send(pid, signal);
  await gone(pid, graceMs);
  send(-pid, 'SIGKILL');
  // A killed process is gone within milliseconds; longer means that it hangs in the kernel, where
  // waiting doesn't help.
  await gone(pid, 2000);
}

async function gone(pid, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  while (send(pid, 0) && !isZombie(pid) && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Orphans stay as zombies where init is slow to collect them, or is no init; they hold nothing any more. */
function isZombie(pid) {
  try {
    return /\) [ZX] [^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function send(target, signal) {
  try {
    process.kill(target, signal);
    return true;
  } catch {
    return false;
  }
}
