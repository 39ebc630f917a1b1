/** What a low-stock message says, as pure text from the rows: one text for mail and chat. */
import type { AlertRow } from '../db/stock-alert.repo';
import { FOLLOW_UP_WORDS, type FollowUpAction } from '../domain/stock/follow-up';
import { daysOfCover, unitsPerDay } from '../domain/stock/velocity';
import type { MailText } from './mail-text';

export interface ActionLink {
  readonly action: FollowUpAction;
  readonly url: string;
}

export function alertText(
  event: 'opened' | 'cleared',
  alert: AlertRow,
  links: readonly ActionLink[],
): MailText {
  const sku = oneLine(alert.sku);
  const where = placeOf(alert);
  if (event === 'cleared')
    return {
      subject: `All clear: ${sku}${where}`,
      text: [
        `${sku} (${oneLine(alert.productName)})${where} is no longer low: ${units(alert.clearedLevel ?? 0)} now.`,
        `It was low since ${alert.openedAt.toISOString()}.`,
        '',
        `Rule: ${oneLine(alert.ruleName)}`,
        '',
      ].join('\n'),
    };
  return {
    subject: `Low stock: ${sku}${where}, ${units(alert.level)} left`,
    text: [
      `${sku} (${oneLine(alert.productName)})${where}: ${units(alert.level)} left.`,
      paceOf(alert),
      '',
      `Rule: ${oneLine(alert.ruleName)} (${limitOf(alert)})`,
      ...(links.length === 0 ? [] : ['', 'What you can do; each link asks before it does anything:']),
      ...links.map(({ action, url }) => `  ${FOLLOW_UP_WORDS[action]}: ${url}`),
      '',
    ].join('\n'),
  };
}

function placeOf({ warehouseCode, connectionName }: AlertRow): string {
  if (warehouseCode !== null) return ` in ${oneLine(warehouseCode)}`;
  return connectionName === null ? '' : ` on ${oneLine(connectionName)}`;
}

function paceOf(alert: AlertRow): string {
  const { level, countedDays, windowFrom, windowTo } = alert;
  const rate = unitsPerDay(alert);
  const window = `${windowFrom} to ${windowTo}, ${countedDays} days counted`;
  if (rate === null || rate === 0) return `Nothing shows how fast it sells (${window}).`;
  return `It sells ${rate} a day and lasts ${daysOfCover(level, alert) ?? 0} days (${window}).`;
}

const limitOf = ({ limitKind, atMost }: AlertRow) =>
  limitKind === 'units' ? `at most ${units(atMost)}` : `at most ${atMost} days of cover`;
const units = (count: number) => (count === 1 ? '1 unit' : `${count} units`);

/** A name comes from a shop: no line of it may look like one of ours, or a header. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
