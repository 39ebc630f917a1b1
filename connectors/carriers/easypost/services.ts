/**
 * Names of services: EasyPost's own (`GroundAdvantage` of `USPS`) become our canonical lower snake
 * (`usps_ground_advantage`), which merchants' shipping-method maps and the rate shop speak. The table
 * holds the names whose snake form would not be the field's own word; any other service gets its name
 * by rule, `{carrier}_{service}` in snake, so a service that EasyPost adds tomorrow can be mapped and
 * bought without a release. The way back is not needed: a purchase names the rate's id.
 */

/** By carrier and service as EasyPost spells them (its carriers' "service levels"). */
const CANONICAL: ReadonlyMap<string, string> = new Map([
  ['USPS First', 'usps_first_class'],
  ['USPS Express', 'usps_priority_express'],
  ['USPS FirstClassPackageInternationalService', 'usps_first_class_package_international'],
  ['UPS UPSSaver', 'ups_worldwide_saver'],
  ['UPS Express', 'ups_worldwide_express'],
  ['UPS ExpressPlus', 'ups_worldwide_express_plus'],
  ['UPS Expedited', 'ups_worldwide_expedited'],
  ['UPS NextDayAirEarlyAM', 'ups_next_day_air_early'],
  ['FedEx GROUND_HOME_DELIVERY', 'fedex_home_delivery'],
  ['FedEx SMART_POST', 'fedex_ground_economy'],
]);

/** EasyPost's names of the same carrier under several contracts; all of them move the same parcels. */
const SAME_CARRIER: ReadonlyMap<string, string> = new Map([
  ['UPSDAP', 'UPS'],
  ['FedExDefault', 'FedEx'],
  ['FedexDefault', 'FedEx'],
]);

/**
 * The canonical name of a service, always lower snake and never empty.
 * @param carrier as in EasyPost's `rate.carrier`, e.g. USPS, UPSDAP, FedEx.
 * @param service as in EasyPost's `rate.service`, e.g. GroundAdvantage.
 */
export function canonicalService(carrier: string, service: string): string {
  const family = SAME_CARRIER.get(carrier) ?? carrier;
  const listed = CANONICAL.get(`${family} ${service}`);
  if (listed !== undefined) return listed;
  const carrierName = words(family.toLowerCase());
  const serviceName = words(splitCapitals(service));
  return serviceName.startsWith(`${carrierName}_`) ? serviceName : `${carrierName}_${serviceName}`;
}

/** `GroundAdvantage` → Ground_Advantage, `2ndDayAir` → 2nd_Day_Air, `UPSStandard` → UPS_Standard. */
function splitCapitals(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2');
}

function words(name: string): string {
  const snake = name
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
    .toLowerCase();
  return snake === '' ? 'other' : snake;
}
