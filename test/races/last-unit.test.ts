/** A few of the races; `npm run test:races` runs a hundred with a thousand buyers each. */
import { raceForLastUnits } from './last-unit';

test('of a hundred buyers from four processes exactly one gets the last unit, whichever way they buy', async () => {
  expect(await raceForLastUnits({ races: 3, processes: 4, buyers: 100 })).toEqual({ races: 3, faults: [] });
}, 120_000);
