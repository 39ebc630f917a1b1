/** Names of services, weights and sizes: from our words and units to EasyPost's and back. */
import fc from 'fast-check';
import { canonicalService } from '../../../../connectors/carriers/easypost/services';
import { inchesFromMm, ouncesFromGrams } from '../../../../connectors/carriers/easypost/units';

describe('canonicalService', () => {
  test.each([
    ['USPS', 'GroundAdvantage', 'usps_ground_advantage'],
    ['USPS', 'Priority', 'usps_priority'],
    ['USPS', 'Express', 'usps_priority_express'],
    ['USPS', 'First', 'usps_first_class'],
    ['USPS', 'ParcelSelect', 'usps_parcel_select'],
    ['USPS', 'PriorityMailInternational', 'usps_priority_mail_international'],
    ['UPS', 'Ground', 'ups_ground'],
    ['UPSDAP', 'Ground', 'ups_ground'],
    ['UPS', '2ndDayAir', 'ups_2nd_day_air'],
    ['UPS', '3DaySelect', 'ups_3_day_select'],
    ['UPS', 'NextDayAirSaver', 'ups_next_day_air_saver'],
    ['UPS', 'UPSStandard', 'ups_standard'],
    ['FedEx', 'FEDEX_GROUND', 'fedex_ground'],
    ['FedEx', 'GROUND_HOME_DELIVERY', 'fedex_home_delivery'],
    ['FedExDefault', 'SMART_POST', 'fedex_ground_economy'],
    ['FedEx', 'STANDARD_OVERNIGHT', 'fedex_standard_overnight'],
    ['FedEx', 'FEDEX_2_DAY_AM', 'fedex_2_day_am'],
    ['DHLExpress', 'ExpressWorldwide', 'dhlexpress_express_worldwide'],
    ['Canada Post', 'Expédited Parcel+', 'canada_post_exp_dited_parcel'],
  ])('%s %s is %s', (carrier, service, canonical) => {
    expect(canonicalService(carrier, service)).toBe(canonical);
  });

  test('of any service of any carrier is lower snake, and the same each time', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom('constructor', '__proto__', 'name', '東京'));
    fc.assert(
      fc.property(word, word, (carrier, service) => {
        const canonical = canonicalService(carrier, service);
        expect(canonical).toMatch(/^[a-z0-9]+(_[a-z0-9]+)*$/);
        expect(canonicalService(carrier, service)).toBe(canonical);
      }),
    );
  });
});

describe('weights and sizes', () => {
  test.each([
    [1, 0.1],
    [28, 1],
    [29, 1.1],
    [436, 15.4],
    [453, 16],
    [454, 16.1],
    [31_751, 1120],
    [31_752, 1120.1],
  ])('%i g are %d oz', (grams, ounces) => {
    expect(ouncesFromGrams(grams)).toBe(ounces);
  });

  test.each([
    [1, 0.1],
    [25, 1],
    [26, 1.1],
    [254, 10],
    [255, 10.1],
  ])('%i mm are %d in', (millimetres, inches) => {
    expect(inchesFromMm(millimetres)).toBe(inches);
  });

  test('are never declared smaller than they are, nor more than a tenth too large', () => {
    const whole = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(whole, (value) => {
        const grams = ouncesFromGrams(value) * 28.349523125;
        expect(grams).toBeGreaterThanOrEqual(value - 1e-6);
        expect(grams).toBeLessThan(value + 2.8349523125 + 1e-6);
        const millimetres = inchesFromMm(value) * 25.4;
        expect(millimetres).toBeGreaterThanOrEqual(value - 1e-6);
        expect(millimetres).toBeLessThan(value + 2.54 + 1e-6);
      }),
    );
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('%d is refused', (value) => {
    expect(() => ouncesFromGrams(value)).toThrow(expect.objectContaining({ type: 'InvalidInput' }));
    expect(() => inchesFromMm(value)).toThrow(expect.objectContaining({ type: 'InvalidInput' }));
  });
});
