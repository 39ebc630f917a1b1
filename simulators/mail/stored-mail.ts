/** A message as the inbox keeps it. */
export interface StoredMail {
  /** Its number in the inbox, from 1. */
  readonly number: number;
  readonly messageId: string;
  readonly receivedAt: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string | null;
  readonly html: string | null;
  /** How often this Message-ID was delivered. */
  readonly deliveries: number;
}
