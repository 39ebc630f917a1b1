/**
 * What the local address check knows about countries: the officially assigned ISO 3166-1 alpha-2 codes,
 * which of them have no postal codes in daily use (Universal Postal Union, "Universal POST*CODE
 * DataBase", general addressing information by country), and the shape of the code where it is fixed.
 * Where the shape varies or is unsure, nothing is listed: a wrong refusal parks a good order.
 */

const CODES =
  'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV ' +
  'BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ' +
  'ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE ' +
  'IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY ' +
  'MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU ' +
  'NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM ' +
  'SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE ' +
  'VG VI VN VU WF WS YE YT ZA ZM ZW';

const WITHOUT_POSTAL_CODE =
  'AE AG AO AQ AW BF BI BJ BO BQ BS BV BW BZ CD CF CG CI CK CM CW DJ DM ER FJ GA GD GH GM GN GQ GY HK HM ' +
  'IE JM KI KM KN KP LC LY ML MO MR MS MW NA NR NU PA QA RW SB SC SL SO SR SS ST SX SY TD TF TG TK TL TO ' +
  'TV UG VU WS YE ZW';

/** Compared with the code upper-cased and without spaces and hyphens. */
const SHAPES: Readonly<Record<string, RegExp>> = {
  AT: /^\d{4}$/,
  AU: /^\d{4}$/,
  BE: /^\d{4}$/,
  BR: /^\d{8}$/,
  CA: /^[A-Z]\d[A-Z]\d[A-Z]\d$/,
  CH: /^\d{4}$/,
  DE: /^\d{5}$/,
  DK: /^\d{4}$/,
  ES: /^\d{5}$/,
  FR: /^\d{5}$/,
  GB: /^[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}$/,
  IT: /^\d{5}$/,
  JP: /^\d{7}$/,
  NL: /^\d{4}[A-Z]{2}$/,
  NO: /^\d{4}$/,
  PL: /^\d{5}$/,
  SE: /^\d{5}$/,
  US: /^\d{5}(\d{4})?$/,
};

const codes = new Set(CODES.split(' '));
const withoutPostalCode = new Set(WITHOUT_POSTAL_CODE.split(' '));

/** Whether this is an assigned ISO 3166-1 alpha-2 code, upper case. */
export function isCountryCode(text: string): boolean {
  return codes.has(text);
}

export function usesPostalCodes(country: string): boolean {
  return !withoutPostalCode.has(country);
}

/** False only where the country's shape is known and this isn't it. */
export function fitsPostalCodeShape(country: string, postalCode: string): boolean {
  const shape = Object.hasOwn(SHAPES, country) ? SHAPES[country] : undefined;
  return shape?.test(postalCode.toUpperCase().replace(/[\s-]/g, '')) ?? true;
}
