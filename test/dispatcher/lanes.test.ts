import { judgeFailure } from '../../dispatcher/judge-failure';
import { Lanes } from '../../dispatcher/lanes';
import { nextDelayMs, RETRY_SCHEDULES } from '../../dispatcher/retry-schedule';
import { Failure } from '../../domain/failure-types';

let now = 0;
const lanes = () =>
  new Lanes({ limitOf: () => 4, firstPauseMs: 1_000, longestPauseOf: () => 5_000, clock: () => now });
beforeEach(() => {
  now = 1_000_000;
});

test('a lane takes its limit, less what is under way', () => {
  const some = lanes();
  some.began('a');
  some.began('a');
  expect(some.free()).toEqual({ a: 2 });
  expect(some.inFlight).toBe(2);
  some.ended('a', 'well');
  some.ended('a', 'well');
  expect(some.free()).toEqual({});
});

test('messages that were under way together and fail together are one failure', () => {
  const some = lanes();
  for (let n = 0; n < 4; n += 1) some.began('a');
  for (let n = 0; n < 4; n += 1) some.ended('a', 'unwell');
  now += 999;
  expect(some.free()).toEqual({ a: 0 });
  now += 1;
  expect(some.free()).toEqual({ a: 1 });
});

test('each failed probe lengthens the pause up to its limit, and a success opens the lane', () => {
  const some = lanes();
  const pauses: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    some.began('a');
    some.ended('a', 'unwell');
    let waited = 0;
    while (some.free()['a'] === 0) {
      now += 500;
      waited += 500;
    }
    pauses.push(waited);
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  some.began('a');
  some.ended('a', 'well');
  expect(some.free()).toEqual({});
});

test('a receiver that says how long to wait is left alone that long', () => {
  const some = lanes();
  some.began('a');
  some.ended('a', 'unwell', 30_000);
  now += 29_999;
  expect(some.free()).toEqual({ a: 0 });
  now += 1;
  expect(some.free()).toEqual({ a: 1 });
});

const schedule = { delays: [100, 200], endless: false };
const middle = () => 0.5;

test('what a failed delivery means follows from its failure alone', () => {
  const judge = (error: unknown, attempt = 1) => judgeFailure(error, { attempt }, schedule, middle);
  expect(judge(new Failure('PartnerUnavailable', 'x'))).toMatchObject({
    state: 'pending',
    delayMs: 100,
    receiver: 'unwell',
  });
  expect(judge(new Failure('PartnerUnavailable', 'x'), 3)).toMatchObject({
    state: 'dead',
    receiver: 'unwell',
  });
  expect(judge(new Failure('PartnerRateLimited', 'x', {}, { retryAfterMs: 900 }))).toMatchObject({
    state: 'pending',
    delayMs: 900,
    pauseMs: 900,
  });
  expect(judge(new Failure('PartnerRejected', 'x'))).toMatchObject({ state: 'dead', receiver: 'well' });
  expect(judge(new Failure('DatabaseUnavailable', 'x'))).toMatchObject({
    state: 'pending',
    receiver: 'well',
    uncounted: true,
  });
  expect(judge(new TypeError('a bug'))).toMatchObject({ state: 'pending', receiver: 'well' });
  expect(judge(new TypeError('a bug'), 3)).toMatchObject({ state: 'dead', receiver: 'well' });
});

test('a bug in an endless kind ends all the same', () => {
  const verdict = (attempt: number) =>
    judgeFailure(new TypeError('a bug'), { attempt }, RETRY_SCHEDULES['workflow.signal'], middle).state;
  expect([verdict(19), verdict(20)]).toEqual(['pending', 'dead']);
});

test('an endless schedule repeats its last delay, a finite one ends', () => {
  expect(nextDelayMs({ delays: [1, 10], endless: true }, 99, middle)).toBe(10);
  expect(nextDelayMs({ delays: [1, 10], endless: false }, 2, middle)).toBe(10);
  expect(nextDelayMs({ delays: [1, 10], endless: false }, 3, middle)).toBeNull();
});
