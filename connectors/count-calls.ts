/**
 * Counts and times what is asked of a partner, by the operation of its port and how it ended. Wrapped
 * around a connector where a process is composed, so that connectors know nothing of it and no call
 * can be forgotten. A call that a breaker refuses is none and is not counted.
 */
import { Failure } from '../domain/failure-types';
import { metrics } from '../telemetry';

/** Runs one call; rejects as it does. An error that is no Failure counts as `bug`. */
export async function countCall<T>(partner: string, operation: string, call: () => Promise<T>): Promise<T> {
  const stop = metrics.partnerCallSeconds.startTimer({ partner, operation });
  let outcome = 'ok';
  try {
    return await call();
  } catch (error) {
    outcome = error instanceof Failure ? error.type : 'bug';
    throw error;
  } finally {
    stop();
    metrics.partnerCalls.inc({ partner, operation, outcome });
  }
}

/** The same connector, each of whose methods is counted; all of a port's methods are calls. */
export function countCalls<Connector extends object>(partner: string, connector: Connector): Connector {
  return new Proxy(connector, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return (...given: unknown[]) =>
        countCall(partner, String(name), async () => Reflect.apply(member, target, given) as unknown);
    },
  });
}
