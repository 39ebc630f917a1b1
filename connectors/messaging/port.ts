/** What carries a message to a person. Failures as in the channels' port. */
export interface Mail {
  /** Becomes the Message-ID's left part: the same fact always has the same id, so receivers can dedupe. */
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html?: string;
}

export interface MailSender {
  send(mail: Mail): Promise<{ readonly messageId: string }>;
}
